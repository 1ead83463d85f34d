"""The Jobs of GitOps: one run for one content, whoever is killed where.

Each Job's command is run as its manifest says, with the files that its image has and no other, in processes that are
killed for real, against the store's server.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.launch.compiled import read_compiled
from byheart.launch.images import LAUNCH
from byheart.launch.manifests import JOB, render
from byheart.launch.run_file import read_run_file
from tests.conftest import ROOT
from tests.gcs import GcsServer
from tests.images.test_dockerfiles import copied
from tests.kfp_api import Fault, KfpServer
from tests.kfp_api.conftest import PARAMETERS, SENT

IMAGE = f"registry.example/byheart-launch@sha256:{'0' * 64}"
BRIEF_SECONDS = 3.0
"""How long another attempt is waited for where it was killed; in production two minutes."""
CONTENT = {"name": "novels", **PARAMETERS, "settings": {"cursor_inc": 50}}

Job = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def job(
    server: KfpServer, environment: dict[str, str], pipeline: Path, image_files: Path, tmp_path: Path
) -> Iterator[Job]:
    """Starts the container of a run file's Job: its volumes are folders, its service account's token a file."""
    started: list[subprocess.Popen[str]] = []

    def start(
        text: str = yaml.safe_dump(CONTENT), image: str = IMAGE, patience_seconds: float = 100
    ) -> subprocess.Popen[str]:
        folder = tmp_path / f"job-{len(started)}"
        container, maps = _container(text, image, pipeline, tmp_path)
        places = {mount["mountPath"]: folder / mount["name"] for mount in container["volumeMounts"]}
        for place, map_name in (("/byheart/run", "run"), ("/byheart/pipeline", "pipeline")):
            places[place].mkdir(parents=True)
            for key, value in maps[map_name].items():
                (places[place] / key).write_text(value)
        token = places["/var/run/secrets/kubeflow/pipelines"] / "token"
        token.parent.mkdir()
        token.write_text("a-service-account-s-token")
        arguments = [_move(argument, places) for argument in container["args"]]
        variables = {one["name"]: one.get("value", "kubeflow") for one in container["env"]}
        variables |= {"KF_PIPELINES_ENDPOINT": server.address, "KF_PIPELINES_SA_TOKEN_PATH": str(token)}
        child = subprocess.Popen(
            [sys.executable, "-m", "byheart", *arguments, "--patience", str(patience_seconds)],
            env=environment | variables | {"HOME": environment["HOME"]},
            cwd=image_files,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        with suppress(ProcessLookupError):
            child.kill()
        child.communicate()


@pytest.fixture(scope="session")
def image_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files that the launcher's image holds."""
    folder = tmp_path_factory.mktemp("image")
    for place, source in copied(LAUNCH).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, folder / place)
    return folder


def _container(text: str, image: str, pipeline: Path, folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The container of the Job, and the data of its ConfigMaps by the names of its volumes."""
    path = folder / "written.yaml"
    path.write_text(text)
    file = read_run_file(path, read_compiled(pipeline))
    texts = render([file], pipeline.read_text(), image)
    run, job = yaml.safe_load_all(texts["runs/novels.run.yaml"])
    compiled = yaml.safe_load(texts["runs/pipeline.yaml"])
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return container, {"run": run["data"], "pipeline": compiled["data"]}


def _move(argument: str, places: dict[str, Path]) -> str:
    """An argument as it is, but with a mounted path where it is here."""
    return next((f"{real}{argument[len(at) :]}" for at, real in places.items() if argument.startswith(at)), argument)


def wait_for(child: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was said."""
    said, _ = child.communicate(timeout=60)
    return child.returncode, said


def restart(job: Job) -> str:
    """What the first attempt of a Job said that ended well; Kubernetes, too, starts it again."""
    for _ in range(5):
        code, said = wait_for(job(patience_seconds=BRIEF_SECONDS))
        if code == 0:
            return said
    raise AssertionError(said)


def wait_until(happened: Callable[[], object]) -> None:
    """Wait for something that is on its way."""
    stop = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < stop, "it did not happen"
        time.sleep(0.005)


def list_objects(bucket: GcsServer) -> list[str]:
    """The last parts of the names of all objects."""
    return [stored.name.rpartition("/")[2] for stored in bucket.storage.list("my-bucket")]


def test_job_submits_the_run_of_its_file(job: Job, server: KfpServer, bucket: GcsServer) -> None:
    code, said = wait_for(job())
    assert code == 0, said
    (run,) = server.runs.all
    assert run.parameters == SENT | {"cursor_inc": 50}
    assert run.display_name.startswith("novels-")
    assert list_objects(bucket) == ["attempt-0000.json", "submitted.json"]


@pytest.mark.parametrize(
    "slow",
    [
        Fault(kind="delay", method="GET", url=r"/o\?", seconds=2, times=4),  # all of them see that there is no claim
        Fault(kind="delay", method="POST", url="/upload/", seconds=2),  # all others see a claim, and no run
    ],
    ids=["before the claim", "after the claim"],
)
def test_jobs_at_once_start_one_run(job: Job, server: KfpServer, bucket: GcsServer, slow: Fault) -> None:
    bucket.faults.add(slow)
    children = [job() for _ in range(4)]
    ends = [wait_for(child) for child in children]
    assert [code for code, _ in ends] == [0] * 4, ends
    assert len(server.runs.all) == 1
    assert sum("\nsubmitted novels" in f"\n{said}" for _, said in ends) == 1
    assert sum("was submitted before" in said for _, said in ends) == 3


def test_job_that_is_restarted_does_nothing(job: Job, server: KfpServer) -> None:
    assert wait_for(job())[0] == 0
    server.calls.clear()
    code, said = wait_for(job())
    assert code == 0, said
    assert not server.calls, "it need not be there"
    assert f"was submitted before: {server.runs.all[0].display_name}" in said
    assert len(server.runs.all) == 1


def test_another_image_makes_another_job_and_no_other_run(
    job: Job, server: KfpServer, pipeline: Path, tmp_path: Path
) -> None:
    path = tmp_path / "novels.yaml"
    path.write_text(yaml.safe_dump(CONTENT))
    file = read_run_file(path, read_compiled(pipeline))
    newer = IMAGE.replace("0" * 64, "1" * 64)
    names = set()
    for image in (IMAGE, newer):
        _, made = yaml.safe_load_all(render([file], pipeline.read_text(), image)["runs/novels.run.yaml"])
        names.add(made["metadata"]["name"])
        assert wait_for(job(image=image))[0] == 0
    assert len(names) == 2
    assert len(server.runs.all) == 1


def test_changed_file_starts_a_second_run_and_a_changed_comment_none(job: Job, server: KfpServer) -> None:
    text = yaml.safe_dump(CONTENT)
    reordered = yaml.safe_dump(dict(reversed(CONTENT.items())), sort_keys=False)
    for said in (text, f"# to be cited\n{reordered}", text.replace("50", "20")):
        assert wait_for(job(said))[0] == 0
    assert [run.parameters["cursor_inc"] for run in server.runs.all] == [50, 20]


def test_killed_between_claim_and_submission(job: Job, server: KfpServer, bucket: GcsServer) -> None:
    bucket.faults.add(Fault(kind="delay", method="POST", url="/upload/", seconds=30))
    child = job()
    wait_until(lambda: list_objects(bucket))
    child.kill()
    assert not server.runs.all
    said = restart(job)
    assert len(server.runs.all) == 1
    assert "\nsubmitted novels" in said
    assert list_objects(bucket) == ["attempt-0000.json", "attempt-0001.json", "submitted.json"]


def test_killed_before_the_answer_to_the_submission(job: Job, server: KfpServer, bucket: GcsServer) -> None:
    server.faults.add(Fault(kind="delay", method="POST", url="/runs", seconds=30))
    child = job()
    wait_until(lambda: server.runs.all)
    child.kill()
    said = restart(job)
    assert len(server.runs.all) == 1
    assert "was submitted before" in said
    assert list_objects(bucket) == ["attempt-0000.json", "submitted.json"]


def test_killed_between_the_submission_and_its_record(job: Job, server: KfpServer, bucket: GcsServer) -> None:
    bucket.faults.add(Fault(status=503, method="POST", url="/upload/", nth=2, times=0))
    child = job()
    wait_until(lambda: server.runs.all)
    child.kill()
    bucket.faults.clear()
    restart(job)
    assert len(server.runs.all) == 1
    assert list_objects(bucket) == ["attempt-0000.json", "submitted.json"]


def test_answer_that_is_lost_is_found_again(job: Job, server: KfpServer) -> None:
    server.faults.add(Fault(kind="lost_reply", method="POST", url="/runs"))
    code, said = wait_for(job())
    assert code == 1, said
    restart(job)
    assert len(server.runs.all) == 1


def test_kubeflow_that_does_not_answer_in_time_is_asked_by_the_next(job: Job, server: KfpServer) -> None:
    server.faults.add(Fault(kind="delay", method="POST", url="/runs", seconds=30))
    code, said = wait_for(job(patience_seconds=BRIEF_SECONDS))
    assert (code, len(said.splitlines())) == (1, 1)
    assert "no answer within" in said
    restart(job)
    assert len(server.runs.all) == 1


def test_claimant_that_sleeps_longer_than_others_wait_submits_nothing(
    job: Job, server: KfpServer, bucket: GcsServer
) -> None:
    bucket.faults.add(Fault(kind="delay", method="POST", url="/upload/", seconds=0.5))
    sleeper = job(patience_seconds=BRIEF_SECONDS)
    wait_until(lambda: list_objects(bucket))
    os.kill(sleeper.pid, signal.SIGSTOP)
    restart(job)
    os.kill(sleeper.pid, signal.SIGCONT)
    code, said = wait_for(sleeper)
    assert code == 1
    assert "found this process held up for longer: run again" in said
    assert len(server.runs.all) == 1


def test_who_is_not_let_in_leaves_no_claim(job: Job, server: KfpServer, bucket: GcsServer) -> None:
    server.token = "another"
    code, said = wait_for(job())
    assert code == 1
    assert "401" in said
    assert not list_objects(bucket)


@pytest.mark.parametrize(("method", "url"), [("POST", "/runs$"), ("GET", r"/runs\?")])
def test_page_to_sign_in_at_is_no_answer(job: Job, server: KfpServer, bucket: GcsServer, method: str, url: str) -> None:
    server.faults.add(Fault(status=200, reason="<html>Sign in</html>", method=method, url=url))
    server.faults.add(Fault(kind="lost_reply", method="POST", url="/runs$"))
    code, said = wait_for(job(patience_seconds=BRIEF_SECONDS))
    assert code == 1, said
    assert list_objects(bucket) == ["attempt-0000.json"]
    restart(job)
    assert len(server.runs.all) == 1


def test_experiment_that_two_make_at_once_is_one(job: Job, server: KfpServer) -> None:
    server.faults.add(Fault(kind="delay", method="GET", url="/experiments", seconds=1, times=2))
    texts = [yaml.safe_dump(CONTENT), yaml.safe_dump(CONTENT | {"settings": {"cursor_inc": 20}})]
    ends = [wait_for(child) for child in [job(text) for text in texts]]
    assert [code for code, _ in ends] == [0, 0], ends
    assert len(server.runs.experiments) == 1
    assert len(server.runs.all) == 2


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_and_started_again(job: Job, server: KfpServer, bucket: GcsServer, seed: int) -> None:
    drawn = random.Random(seed)
    server.faults.add(Fault(kind="delay", method="POST", url="/runs", seconds=0.2, times=0))
    bucket.faults.add(Fault(kind="delay", method="POST", url="/upload/", seconds=0.2, times=0))
    for _ in range(4):
        pair = [job(patience_seconds=BRIEF_SECONDS) for _ in range(2)]
        time.sleep(drawn.uniform(0.6, 2.5))
        for child in pair:
            child.kill()
    restart(job)
    assert len(server.runs.all) == 1


def test_run_that_kubeflow_refuses_ends_its_job_and_a_missing_right_does_not(server: KfpServer, job: Job) -> None:
    server.faults.add(Fault(status=403, method="POST", url="/runs"))
    server.faults.add(Fault(status=400, method="POST", url="/runs", nth=2))
    spec = yaml.safe_load(JOB.read_text(encoding="utf-8"))["spec"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (rule["action"], rule["onExitCodes"]["containerName"]) == ("FailJob", container["name"])
    for is_final in (False, True):
        code, said = wait_for(job(patience_seconds=BRIEF_SECONDS))
        assert (code in rule["onExitCodes"]["values"]) == is_final, said
        assert code
    assert not server.runs.all
