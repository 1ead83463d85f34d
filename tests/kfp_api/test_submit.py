"""`launch submit` from a desk."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from byheart.contracts.version import VERSION
from byheart.launch.compile import compile_pipeline
from tests.kfp_api import Fault, KfpServer, failing, running
from tests.kfp_api.conftest import PARAMETERS, SENT, WORDS, Command
from tests.kfp_api.pods import failed

RUN_FILE = {
    "name": "novels",
    **PARAMETERS,
    "controls": ["gs://my-bucket/unseen.txt"],
    "experiment": "spring",
    "settings": {"cursor_inc": 50, "bos": True, "dpi": 100},
}
EVERY = ("--wait", "--every", "0.05")


def test_parameters_are_submitted_and_the_address_is_printed(
    server: KfpServer, launch: Command, pipeline: Path
) -> None:
    done = launch("submit", *WORDS, "top_k=20", "dpi=100", "--pipeline", pipeline, "--host", server.address)
    assert done.returncode == 0, done.stderr
    (run,) = server.runs.all
    assert run.parameters == SENT | {"top_k": 20, "options": {"dpi": 100}}
    assert done.stdout.splitlines() == [
        f"submitted {run.display_name}",
        f"run: {server.address}/#/runs/details/{run.run_id}",
        f"next: `byheart wait {run.run_id}`, then `byheart fetch {run.run_id} out`",
    ]
    assert not done.stderr


def test_run_file_is_submitted(server: KfpServer, launch: Command, pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "novels.yaml"
    path.write_text(yaml.safe_dump(RUN_FILE))
    done = launch("submit", path, "--pipeline", pipeline, KF_PIPELINES_ENDPOINT=server.address)
    assert done.returncode == 0, done.stderr
    (run,) = server.runs.all
    assert run.parameters == SENT | {
        "controls": ["gs://my-bucket/unseen.txt"],
        "cursor_inc": 50,
        "options": {"bos": "true", "dpi": 100},
    }
    assert list(server.runs.experiments) == ["spring"]
    assert run.display_name.startswith("novels-")
    assert run.asked["description"] == f"byheart {VERSION}, commit {'0' * 40}; run file novels"
    launch("submit", path, "top_k=20", "--pipeline", pipeline, KF_PIPELINES_ENDPOINT=server.address)
    assert server.runs.all[1].asked["description"].endswith("; run file novels, changed on the command line")


@pytest.mark.parametrize(("choices", "declared"), [("true", 4), ("false", 0)])
def test_pipeline_of_this_release_can_be_sent_to_an_older_kubeflow(
    server: KfpServer, launch: Command, choices: str, declared: int
) -> None:
    done = launch("submit", *WORDS, "--host", server.address, BYHEART_CHOICES=choices)
    assert done.returncode == 0, done.stderr
    spec = server.runs.all[0].asked["pipeline_spec"]["pipeline_spec"]
    parameters = spec["root"]["inputDefinitions"]["parameters"].values()
    assert sum("literals" in parameter for parameter in parameters) == declared


def test_run_file_that_is_wrong_never_reaches_the_cluster(
    server: KfpServer, launch: Command, pipeline: Path, tmp_path: Path
) -> None:
    path = tmp_path / "novels.yaml"
    path.write_text(yaml.safe_dump(RUN_FILE | {"settings": {"top_k": "many"}}))
    done = launch("submit", path, "--pipeline", pipeline, "--host", server.address)
    assert done.returncode == 1
    assert "settings.top_k must be a whole number, found 'many'" in done.stderr
    assert not server.calls


def test_parameter_that_is_missing_never_reaches_the_cluster(
    server: KfpServer, launch: Command, pipeline: Path
) -> None:
    done = launch("submit", "--model", "llama-3.1-8b", "--pipeline", pipeline, "--host", server.address)
    assert done.returncode == 1
    assert "a run must have a book, found none: name a text file" in done.stderr
    assert not server.calls


def test_waiting_says_each_change_once_and_nothing_of_kubeflow_s_own_tasks(
    server: KfpServer, pipeline: Path, submit: Command
) -> None:
    done = submit(*EVERY)
    assert done.returncode == 0, done.stderr
    spec = next(yaml.safe_load_all(pipeline.read_text(encoding="utf-8")))
    stages = [name.removeprefix("exec-") for name in spec["deploymentSpec"]["executors"]]
    *lines, last = done.stdout.splitlines()[2:]
    assert sorted(lines) == sorted(
        [f"{stage:>8}  {state}" for stage in stages for state in ("running", "succeeded")] + ["     run  succeeded"]
    )
    assert lines[-1] == "     run  succeeded"
    assert last == f"next: `byheart fetch {server.runs.all[0].run_id} out`"


def test_run_that_fails_ends_in_the_failing_task_s_message(server: KfpServer, submit: Command) -> None:
    server.runs.outcomes.append(failing("extract", "model must fit, found 140 GB"))
    done = submit(*EVERY)
    assert done.returncode == 1
    assert " extract  failed" in done.stdout
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: extract failed: model must fit, found 140 GB: see http://")


def test_run_whose_failure_kubeflow_does_not_explain_says_how_to_read_its_pods(
    server: KfpServer, submit: Command
) -> None:
    server.runs.outcomes.append(failing("extract"))
    done = submit(*EVERY)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "     run  failed"
    (error,) = done.stderr.splitlines()
    selector = f"--selector pipeline/runid={server.runs.all[0].run_id} --container main"
    assert error.startswith("error: extract failed: Kubeflow does not say why, run `kubectl logs --namespace kubeflow ")
    assert selector in error


def test_run_whose_pods_can_be_read_ends_in_what_the_failing_one_said(
    server: KfpServer, submit: Command, kubeconfig: str
) -> None:
    story = [
        {"severity": severity, "stage": "extract", "message": said}
        for severity, said in (("INFO", "8 chips"), ("ERROR", "no TPU"))
    ]
    log = "\n".join([*map(json.dumps, story), "[1]", '{"severity": "ERROR"}'])
    server.runs.outcomes.append(failing("extract", "", failed(log=log)))
    done = submit(*EVERY, KUBECONFIG=kubeconfig)
    assert done.returncode == 1
    assert done.stderr.startswith("error: extract: no TPU: see http://")


@pytest.mark.parametrize(
    "fault",
    [Fault(kind="reset_before", method="GET", url="/runs/", times=6), Fault(method="GET", url="/runs/", times=3)],
)
def test_connection_that_is_lost_while_waiting_is_tried_again(server: KfpServer, submit: Command, fault: Fault) -> None:
    lost = server.faults.add(fault)
    done = submit(*EVERY)
    assert done.returncode == 0, done.stderr
    assert lost.injected == fault.times
    assert done.stdout.count("trying again") == 1
    assert done.stdout.count("connected again") == 1
    assert "run  succeeded" in done.stdout


def test_token_that_ends_while_waiting_is_asked_for_anew(submit: Command, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-service-account-s-token")
    with KfpServer(token="a-service-account-s-token") as server:
        ended = server.faults.add(Fault(status=401, method="GET", url="/runs/", nth=3))
        done = submit(*EVERY, to=server, KF_PIPELINES_SA_TOKEN_PATH=str(tmp_path / "token"))
        assert done.returncode == 0, done.stderr
        assert ended.injected == 1
        assert not server.violations


def test_right_that_is_taken_away_while_waiting_ends_it(server: KfpServer, submit: Command) -> None:
    taken = server.faults.add(Fault(status=403, reason="no longer", method="GET", url="/runs/", nth=3, times=0))
    done = submit(*EVERY)
    assert done.returncode == 1
    assert "not permitted (403, no longer)" in done.stderr
    assert taken.injected == 2


def test_no_token_and_a_wrong_one_are_refused_without_being_shown(submit: Command) -> None:
    with KfpServer(token="right") as server:
        for token in ("", "wr0ng-s3cret"):
            done = submit(to=server, KFP_EXISTING_TOKEN=token)
            assert done.returncode == 1
            (error,) = done.stderr.splitlines()
            assert "it does not know who asks (401, Request header error" in error
            assert "wr0ng-s3cret" not in done.stdout + done.stderr
        done = submit(to=server, KFP_EXISTING_TOKEN="right")
        assert done.returncode == 0, done.stderr


def test_what_is_not_permitted_says_so(server: KfpServer, submit: Command) -> None:
    server.faults.add(Fault(status=403, reason="User is not authorized", method="POST", url="/runs"))
    done = submit()
    assert done.returncode == 1
    assert "not permitted (403, User is not authorized): ask for the right to edit there" in done.stderr


def test_sign_in_page_is_told_from_kubeflow(server: KfpServer, submit: Command) -> None:
    server.faults.add(Fault(status=200, reason="<html>Sign in</html>", times=0))
    done = submit()
    assert done.returncode == 1
    assert "most likely a page to sign in at" in done.stderr
    assert {call.url for call in server.calls} == {"/apis/v2beta1/healthz"}


def test_sign_in_page_while_waiting_is_no_state_of_the_run(server: KfpServer, submit: Command) -> None:
    page = server.faults.add(Fault(status=200, reason="<html>Sign in</html>", method="GET", url="/runs/", nth=2))
    done = submit(*EVERY)
    assert done.returncode == 0, done.stderr
    assert page.injected == 1
    assert "run  succeeded" in done.stdout


def test_place_where_nothing_listens_is_one_line(launch: Command, pipeline: Path) -> None:
    with KfpServer() as server:
        nowhere = server.address
    started = time.monotonic()
    done = launch("submit", *WORDS, "--pipeline", pipeline, "--host", nowhere)
    assert time.monotonic() - started < 60
    (error,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "Connection refused" in error
    assert "kubectl port-forward" in error


def test_without_any_address_says_what_to_give(launch: Command, pipeline: Path) -> None:
    done = launch("submit", *WORDS, "--pipeline", pipeline)
    (error,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "give --host, such as http://localhost:8080" in error


@pytest.mark.parametrize("extra", [("--name", "other"), ("--experiment", "other")])
def test_once_takes_a_run_file_as_it_is(
    launch: Command, pipeline: Path, tmp_path: Path, extra: tuple[str, str]
) -> None:
    path = tmp_path / "novels.yaml"
    path.write_text(yaml.safe_dump(RUN_FILE))
    for what in ([path, *extra], WORDS):
        done = launch("submit", *what, "--pipeline", pipeline, "--once")
        assert done.returncode == 1
        assert "must be given one run file, and neither --name nor --experiment, found another" in done.stderr


def test_images_that_were_not_pushed_are_named(launch: Command, server: KfpServer, tmp_path: Path) -> None:
    compile_pipeline(tmp_path / "pipeline.yaml")
    done = launch("submit", *WORDS, "--host", server.address, "--pipeline", tmp_path / "pipeline.yaml")
    assert done.returncode == 0, done.stderr
    assert "note: byheart-compare:" in done.stderr
    assert "byheart images --push" in done.stderr


def test_several_users_need_a_namespace(submit: Command) -> None:
    with KfpServer(several_users=True) as server:
        done = submit(to=server)
        assert "--namespace must name your profile's namespace, found none" in done.stderr
        assert submit("--namespace", "anna", to=server).returncode == 0
        assert server.runs.experiments["byheart"]["namespace"] == "anna"
        assert not server.violations


def test_namespace_is_not_sent_where_there_is_one_user(server: KfpServer, submit: Command) -> None:
    done = submit("--namespace", "anna")
    assert done.returncode == 0, done.stderr
    assert not server.runs.experiments["byheart"].get("namespace")


def test_answer_that_is_lost_is_an_error_and_no_second_run(server: KfpServer, submit: Command) -> None:
    server.faults.add(Fault(kind="lost_reply", method="POST", url="/runs"))
    done = submit()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert len(server.runs.all) == 1


def test_ctrl_c_while_waiting_says_where_the_run_goes_on(
    server: KfpServer, environment: dict[str, str], pipeline: Path
) -> None:
    server.runs.outcomes.append(running("extract"))
    places = ["--pipeline", str(pipeline), "--host", server.address]
    child = subprocess.Popen(
        [sys.executable, "-m", "byheart", "submit", *WORDS, *places, *EVERY],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    while "running" not in child.stdout.readline():
        pass
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=30)
    assert child.returncode == 130
    assert f"the run goes on without you: {server.address}/#/runs/details/" in error
