"""A run that was submitted earlier: found again, looked at, waited for, cancelled, read, fetched."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.kubeflow.client import Cluster
from byheart.store import open_store
from tests.conftest import CONTROL, MODEL
from tests.conftest import launch as run_here
from tests.gcs import Fault as GcsFault
from tests.gcs import GcsServer
from tests.kfp_api import KfpServer, failing, running, succeeding
from tests.kfp_api.conftest import PARAMETERS, Command
from tests.kfp_api.outcomes import Outcome
from tests.kfp_api.pods import Pod
from tests.kfp_api.runs import Run

ROOT = "gs://my-bucket/kubeflow"
LEFT_HERE = {"log.txt", "run.yaml", "SHA256SUMS", "printed.txt", ".lock", ".byheart"}
"""Files of a run on this machine that `plot` does not write."""

Submitted = Callable[..., Run]
Ask = Callable[..., Any]


@pytest.fixture
def submitted(server: KfpServer, pipeline: Path) -> Submitted:
    """Submits a run, of which comes what is given."""

    def submit(outcome: Outcome | None = None, name: str = "novels", **parameters: Any) -> Run:
        server.runs.outcomes.append(outcome or succeeding())
        cluster = Cluster(server.address)
        cluster.submit(pipeline, PARAMETERS | parameters, cluster.open_experiment("spring"), name)
        return server.runs.all[-1]

    return submit


@pytest.fixture
def ask(server: KfpServer, launch: Command) -> Ask:
    """A command about a run."""
    return lambda *words, **more: launch(*words, "--host", server.address, **more)


def write_results(run: Run, files: dict[str, bytes], root: str = ROOT, salt: str = "a1") -> None:
    """As the launcher of `plot` leaves them."""
    store = open_store(f"{root}/byheart/{run.run_id}")
    for name, data in files.items():
        store.create(f"plot/{salt}/results/{name}", data)
    store.create(f"plot/{salt}/executor-logs-0", b"")


@pytest.fixture
def bucket_here(bucket: GcsServer, monkeypatch: pytest.MonkeyPatch) -> GcsServer:
    """The bucket, also for this process."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket.address)
    return bucket


def read_folder(folder: Path) -> dict[str, bytes]:
    """What a run's results hold."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_HERE]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `plot` has written of some windows of the sample."""
    folder = tmp_path_factory.mktemp("written")
    done = run_here(folder, "windows=40", "control_sample=10", controls=(str(CONTROL),))
    assert done.returncode == 0, done.stderr
    return read_folder(folder / "out")


@pytest.mark.parametrize("word", ["id", "beginning", "name", "address"])
def test_run_is_found_by(server: KfpServer, submitted: Submitted, ask: Ask, word: str) -> None:
    run = submitted(running("plan"))
    submitted(name="poems")
    address = f"{server.address}/#/runs/details/{run.run_id}"
    words = {"id": run.run_id, "beginning": run.run_id[:9], "name": "novels", "address": address}
    done = ask("status", words[word])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["novels: running", f"run: {address}"]


def test_name_of_several_runs_is_refused_with_their_ids(submitted: Submitted, ask: Ask) -> None:
    runs = submitted(), submitted(running("plan"))
    done = ask("status", "novels")
    assert done.returncode == 1
    assert "found several called novels: give an id, of " in done.stderr
    for run in runs:
        assert run.run_id in done.stderr


def test_run_that_was_deleted_is_told_from_those_that_are_there(
    server: KfpServer, submitted: Submitted, ask: Ask
) -> None:
    deleted, other = submitted(), submitted(running("plan"), "poems")
    server.runs.all.remove(deleted)
    done = ask("wait", deleted.run_id)
    (error,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "it may have been deleted; the latest are" in error
    assert f"{other.run_id} (poems, running, 2026-01-01 00:01)" in error


@pytest.mark.parametrize(
    ("word", "said"), [("novel", "did you mean novels?"), ("0000", "it may have been deleted"), ("", "found ''")]
)
def test_word_that_is_no_run_is_refused(submitted: Submitted, ask: Ask, word: str, said: str) -> None:
    submitted()
    done = ask("cancel", word)
    assert done.returncode == 1
    assert said in done.stderr


def test_runs_are_looked_for_in_the_namespace_of_several_users(launch: Command, pipeline: Path) -> None:
    with KfpServer(several_users=True) as server:
        for namespace in ("anna", "bert"):
            cluster = Cluster(server.address, namespace)
            cluster.submit(pipeline, PARAMETERS, cluster.open_experiment(namespace), "novels")
        done = launch("status", "novels", "--host", server.address, "--namespace", "anna")
        assert done.returncode == 0, done.stderr
        assert server.runs.all[0].run_id in done.stdout
        assert not server.violations


def test_status_says_what_each_task_does_and_how_long(submitted: Submitted, ask: Ask) -> None:
    run = submitted(running("extract"))
    done = ask("status", run.run_id)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "novels: running"
    assert lines[2].startswith("began 2026-01-01 00:00 UTC, ")
    assert lines[3:6] == [f"{stage:>8}  succeeded, 0.0 s" for stage in ("download", "tokenize", "plan")]
    assert lines[6].startswith(" extract  running, ")
    assert len(lines) == 7


def test_status_of_a_run_that_failed_says_why(submitted: Submitted, ask: Ask) -> None:
    run = submitted(failing("extract", "model must fit, found 140 GB"))
    run.looks = 1
    done = ask("status", run.run_id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("novels: failed\n")
    assert "began 2026-01-01 00:00 UTC, 5:00\n" in done.stdout
    assert "why: extract failed: model must fit, found 140 GB: see http://" in done.stdout


def test_wait_goes_on_where_a_desk_was_left(submitted: Submitted, ask: Ask) -> None:
    run = submitted()
    run.looks = 3
    done = ask("wait", "novels", "--every", "0.05")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("download  succeeded\n")
    assert done.stdout.endswith("     run  succeeded\n")


def test_run_that_is_cancelled_is_told_from_one_that_failed(submitted: Submitted, ask: Ask) -> None:
    run = submitted(running("extract"))
    done = ask("cancel", "novels")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("novels was running and is being cancelled")
    assert "novels: being cancelled\n" in ask("status", "novels").stdout
    waited = ask("wait", run.run_id)
    assert waited.returncode == 1
    assert waited.stdout.endswith("     run  cancelled\n")
    assert "error: the run was cancelled: see http://" in waited.stderr


@pytest.mark.parametrize(("outcome", "state"), [(succeeding(), "succeeded"), (failing("plan"), "failed")])
def test_run_that_has_ended_cannot_be_cancelled(
    server: KfpServer, submitted: Submitted, ask: Ask, outcome: Outcome, state: str
) -> None:
    run = submitted(outcome)
    run.looks = len(run.steps)
    done = ask("cancel", run.run_id)
    assert done.returncode == 1
    assert f"must not have ended, found novels {state}" in done.stderr
    assert not [call for call in server.calls if call.url.endswith(":terminate")]


def write_lines(stage: str, *messages: tuple[int, str]) -> str:
    """A log in which a stage says something at some seconds, among lines of Kubeflow's."""
    lines = [
        json.dumps({"time": f"2026-01-01T00:00:{second:02}.000Z", "severity": "INFO", "stage": stage, "message": text})
        for second, text in messages
    ]
    return "\n".join(["I0101 main.go:59] launcher", *lines, "[KFP Executor] done"])


def test_logs_are_in_the_order_of_time(server: KfpServer, submitted: Submitted, ask: Ask, kubeconfig: str) -> None:
    run = submitted(running("extract"))
    server.kubernetes.pods = [
        Pod(name="second", phase="Running", log=write_lines("extract", (3, "shard 2"), (5, "half of it"))),
        Pod(name="first", phase="Running", log=write_lines("extract", (4, "shard 1"))),
        Pod(name="plan", phase="Succeeded", log=write_lines("plan", (2, "8 chips"))),
        Pod(name="driver", phase="Succeeded", log="I0101 driver"),
        Pod(name="third", phase="Pending", log=None),
    ]
    shown = ["    plan  8 chips", " extract  shard 2", " extract  shard 1", " extract  half of it"]
    done = ask("logs", run.run_id, KUBECONFIG=kubeconfig)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == shown
    assert "nothing is known of what download, tokenize said: its pods are gone" in done.stderr
    of_task = ask("logs", run.run_id, "--task", "extract", KUBECONFIG=kubeconfig)
    assert of_task.stdout.splitlines() == shown[1:]
    assert not of_task.stderr


def test_logs_of_pods_that_are_gone_are_those_that_kubeflow_has_kept(
    server: KfpServer, bucket_here: GcsServer, submitted: Submitted, ask: Ask, kubeconfig: str
) -> None:
    bucket_here.storage.create_bucket("elsewhere")
    run = submitted(running("extract"))
    kept = open_store(f"gs://elsewhere/root/byheart/{run.run_id}")
    kept.create("download/a1/executor-logs-0", write_lines("download", (1, "no network")).encode())
    kept.create("download/a1/executor-logs-1", write_lines("download", (2, "1 book")).encode())
    kept.create("plan/b2/executor-logs-0", write_lines("plan", (4, "8 chips")).encode())
    kept.create("tokenize/b2/windows/part", write_lines("tokenize", (3, "is no log")).encode())
    server.kubernetes.pipeline_root = "gs://elsewhere/root"
    server.kubernetes.pods = [Pod(name="extract", phase="Running", log=write_lines("extract", (5, "4,025 windows")))]
    done = ask("logs", run.run_id, KUBECONFIG=kubeconfig)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "download  no network",
        "download  1 book",
        "    plan  8 chips",
        " extract  4,025 windows",
    ]
    assert "nothing is known of what tokenize said" in done.stderr


def test_logs_that_nobody_can_read_are_the_command_that_would(submitted: Submitted, ask: Ask) -> None:
    run = submitted(running("extract"))
    done = ask("logs", run.run_id)
    assert done.returncode == 1
    assert not done.stdout
    assert "its pods may not be read from here" in done.stderr
    selector = f"--selector pipeline/runid={run.run_id} --container main"
    assert f"run `kubectl logs --namespace kubeflow {selector}" in done.stderr


def test_logs_of_a_task_that_is_none_are_refused(submitted: Submitted, ask: Ask) -> None:
    done = ask("logs", submitted().run_id, "--task", "extrakt")
    assert done.returncode == 1
    assert "a task must be a stage of the run, found 'extrakt': did you mean extract?" in done.stderr


def test_results_are_fetched_from_the_place_that_the_cluster_names(
    server: KfpServer,
    bucket_here: GcsServer,
    submitted: Submitted,
    ask: Ask,
    kubeconfig: str,
    written: dict[str, bytes],
    tmp_path: Path,
) -> None:
    bucket_here.storage.create_bucket("elsewhere")
    run = submitted()
    run.looks = len(run.steps)
    write_results(run, {"report.html": b"cut off"}, "gs://elsewhere/root", salt="a0")
    write_results(run, written, "gs://elsewhere/root")
    server.kubernetes.pipeline_root = "gs://elsewhere/root"
    done = ask("fetch", "novels", tmp_path / "out", KUBECONFIG=kubeconfig)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{len(written)} files, ")
    assert first.endswith(" of novels, succeeded")
    assert last == f"results are in {tmp_path / 'out'}"
    assert read_folder(tmp_path / "out") == written
    assert "gs://my-bucket/book.txt" in (tmp_path / "out" / "run.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("bucket_here")
def test_without_a_kubeconfig_results_are_looked_for_in_the_store_s_bucket(
    submitted: Submitted, ask: Ask, written: dict[str, bytes], tmp_path: Path
) -> None:
    run = submitted(failing("verdict", "every book must be measured"))
    run.looks = len(run.steps)
    write_results(run, written)
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "of novels, failed" in done.stdout
    assert read_folder(tmp_path / "out") == written


def test_fetching_that_fails_leaves_the_earlier_results(
    bucket_here: GcsServer, submitted: Submitted, ask: Ask, written: dict[str, bytes], tmp_path: Path
) -> None:
    run = submitted()
    run.looks = len(run.steps)
    write_results(run, written)
    assert ask("fetch", run.run_id, tmp_path / "out").returncode == 0
    bucket_here.faults.add(GcsFault(status=403, method="GET", url="heat_map.png.*alt=media|alt=media.*heat_map.png"))
    assert ask("fetch", run.run_id, tmp_path / "out").returncode == 1
    there = read_folder(tmp_path / "out")
    assert {name: data for name, data in there.items() if not name.startswith("failed/")} == written
    assert ask("fetch", run.run_id, tmp_path / "out").returncode == 0
    assert read_folder(tmp_path / "out") == written


@pytest.mark.usefixtures("bucket_here")
def test_models_of_a_run_are_fetched_into_a_folder_each_with_their_comparison(
    submitted: Submitted, ask: Ask, written: dict[str, bytes], tmp_path: Path
) -> None:
    run = submitted(failing("plan"), model=["org/failed", "org/large", "gs://b/small"])
    run.looks = len(run.steps)
    of_models = {
        name: name_model(written, source) for name, source in (("small", "gs://b/small"), ("large", "org/large"))
    }
    for salt, files in of_models.items():
        write_results(run, files, salt=salt)
    open_store(f"{ROOT}/byheart/{run.run_id}").create("compare/a1/comparison/comparison.html", b"side by side")
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "of large in novels, failed\n" in done.stdout
    assert read_folder(tmp_path / "out") == {
        **{f"{model}/{name}": data for model, files in of_models.items() for name, data in files.items()},
        "comparison/comparison.html": b"side by side",
    }
    repeats = yaml.safe_load((tmp_path / "out" / "run.yaml").read_bytes())
    assert repeats["model"] == ["org/failed", "org/large", "gs://b/small"]
    assert yaml.safe_load((tmp_path / "out" / "small" / "run.yaml").read_bytes())["model"] == "gs://b/small"


def name_model(results: dict[str, bytes], source: str) -> dict[str, bytes]:
    """The results under another model's name."""
    return {
        name: data.replace(str(MODEL).encode(), source.encode()) if name.endswith(".json") else data
        for name, data in results.items()
    }


@pytest.mark.usefixtures("bucket_here")
def test_out_that_is_a_file_is_refused_and_kept(
    submitted: Submitted, ask: Ask, written: dict[str, bytes], tmp_path: Path
) -> None:
    run = submitted()
    run.looks = len(run.steps)
    write_results(run, written)
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: out must be a folder that can be written, found {tmp_path / 'out'}: File")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_run_that_goes_on_has_no_results_yet(submitted: Submitted, ask: Ask, tmp_path: Path) -> None:
    run = submitted(running("extract"))
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 1
    assert f"found novels running: `byheart wait {run.run_id}` first" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("bucket_here")
def test_run_that_failed_before_its_results_says_why(submitted: Submitted, ask: Ask, tmp_path: Path) -> None:
    run = submitted(failing("extract", "no TPU"))
    run.looks = len(run.steps)
    open_store(f"{ROOT}/byheart/{run.run_id}").create("download/a1/executor-logs-0", b"")
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 1
    assert "error: extract failed: no TPU: see http://" in done.stderr
    assert not (tmp_path / "out").exists()


def test_results_in_another_kind_of_store_are_said_to_be_there(
    server: KfpServer, submitted: Submitted, ask: Ask, kubeconfig: str, tmp_path: Path
) -> None:
    run = submitted()
    run.looks = len(run.steps)
    server.kubernetes.pipeline_root = ""
    done = ask("fetch", run.run_id, tmp_path / "out", KUBECONFIG=kubeconfig)
    assert done.returncode == 1
    assert "artifacts must lie at gs:// to be read, found them at minio://mlpipeline/v2/artifacts" in done.stderr


def test_results_that_are_not_found_ask_for_the_root(submitted: Submitted, ask: Ask, tmp_path: Path) -> None:
    run = submitted()
    run.looks = len(run.steps)
    done = ask("fetch", run.run_id, tmp_path / "out")
    assert done.returncode == 1
    assert f"found none of novels below {ROOT}: give --root" in done.stderr
