"""What `byheart wait`, `submit --wait` and `status` tell of attempts, pods and shards; in this process, to be quick."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from byheart.contracts.errors import ByheartError, RunFailedError
from byheart.contracts.progress import StageLine
from byheart.kubeflow import watch
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError, LostError
from byheart.kubeflow.logs import show_logs
from byheart.kubeflow.status import print_status
from tests.kfp_api import KfpServer
from tests.kfp_api import pods as pod
from tests.kfp_api.conftest import PARAMETERS
from tests.kfp_api.outcomes import (
    Doing,
    Doings,
    Outcome,
    Step,
    failing,
    looping,
    of_models,
    refused,
    running,
    succeeding,
)
from tests.kfp_api.pods import Attempt
from tests.kfp_api.runs import Run

ERROR_LINE = '{"severity": "ERROR", "stage": "extract", "message": "no TPU", "parameter": "accelerator"}'
QUOTA = 'pods "byheart-x" is forbidden: exceeded quota: byheart-accelerators, requested: google.com/tpu=8'
TYPO = 'failed to upload output artifact "inputs" to remote storage URI "gs://typo-bucket/kubeflow/a"'

Follow = Callable[..., tuple[list[str], str]]


@pytest.fixture
def with_kubeconfig(kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process read the kubeconfig that leads to the server."""
    for module in (kubernetes.config, kubernetes.config.kube_config):
        monkeypatch.setattr(module, "KUBE_CONFIG_DEFAULT_LOCATION", kubeconfig)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the kubeconfig of whoever runs the tests, and shortens what Kubeflow needs after a run's end."""
    for module in (kubernetes.config, kubernetes.config.kube_config):
        monkeypatch.setattr(module, "KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere/config")
    monkeypatch.setattr(watch, "_SETTLING_SECONDS", 0.0)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
def submitted(server: KfpServer, pipeline: Path) -> Callable[..., Run]:
    """Submits a run, of which becomes what is given."""

    def submit(outcome: Outcome, **parameters: Any) -> Run:
        server.runs.outcomes.append(outcome)
        cluster = Cluster(server.address)
        cluster.submit(pipeline, PARAMETERS | parameters, cluster.open_experiment("spring"), "novels")
        return server.runs.all[-1]

    return submit


@pytest.fixture
def follow(server: KfpServer, submitted: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> Follow:
    """Follows a run to its end, or for some looks: the lines but for tasks that succeed, and the error or the notes."""

    def follow(
        outcome: Outcome,
        looks: int | None = None,
        patience_seconds: float = 60,
        is_compressed: bool = False,
        **parameters: Any,
    ) -> tuple[list[str], str]:
        run = submitted(outcome, **parameters)
        run.is_compressed = is_compressed
        error = ""
        try:
            watch.wait(_Limited(server.address, looks), run.run_id, 0.01, patience_seconds=patience_seconds)
        except KeyboardInterrupt:
            pass
        except RunFailedError as failure:
            error = failure.message
        told = capsys.readouterr()
        lines = [line for line in told.out.splitlines() if not line.endswith("succeeded")]
        return lines, error or told.err

    return follow


class _Limited(Cluster):
    """A cluster that is looked at so many times, and then left with Ctrl-C."""

    def __init__(self, host: str, looks: int | None) -> None:
        super().__init__(host)
        self._looks = looks

    def read_run(self, run_id: str):  # type: ignore[no-untyped-def]  # as the base class has it
        if self._looks is not None:
            self._looks -= 1
            if self._looks < 0:
                raise KeyboardInterrupt
        return super().read_run(run_id)


@pytest.mark.usefixtures("with_kubeconfig")
def test_each_attempt_is_told_with_its_end_and_the_last_one_is_the_error(follow: Follow) -> None:
    attempts = (pod.out_of_memory(), pod.failed(log=ERROR_LINE), pod.failed("[refused] no TPU", log=ERROR_LINE))
    lines, error = follow(failing("extract", "", *attempts))
    assert lines == [
        " extract  running",
        " extract  attempt 1 failed: out of memory (OOMKilled): set memory=, such as memory=64Gi; trying again",
        " extract  attempt 2 failed: no TPU; trying again",
        " extract  attempt 3 failed: no TPU",
        " extract  failed",
        "     run  failed",
    ]
    assert error.startswith("extract: no TPU: see http://")


@pytest.mark.usefixtures("with_kubeconfig")
@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (pod.failed("[refused] model must be there, found none"), "model must be there, found none"),
        (pod.failed("the store did not answer"), "the store did not answer"),
        (pod.failed(code=137), "it was killed (exit code 137), most often for memory"),
        (pod.failed(code=3), "it ended with exit code 3, without a word"),
        (pod.deleted(), "pod deleted: somebody deleted it, or its node was taken away"),
        (pod.out_of_memory(), "out of memory (OOMKilled): measure fewer books in a run"),
        (pod.launcher_failed(TYPO), f"Kubeflow's own part failed: {TYPO}"),
        (
            pod.killed_by_kubelet("Evicted", "The node was low on resource: memory."),
            "The node was low on resource: memory: the pod was evicted",
        ),
        (
            pod.killed_by_kubelet("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
            "Pod was active on the node longer than the specified deadline: "
            "it took longer than --timeout-hours of `byheart compile`",
        ),
        (
            pod.late("Step exceeded its deadline"),
            "Step exceeded its deadline: the run took longer than --deadline-hours of `byheart compile`",
        ),
    ],
)
def test_end_of_a_pod_is_said_in_a_sentence(follow: Follow, attempt: Attempt, said: str) -> None:
    lines, error = follow(failing("download", "", attempt))
    assert f"download  attempt 1 failed: {said}" in lines
    assert error.startswith(f"download failed: {said}: see http://")


@pytest.mark.usefixtures("with_kubeconfig")
@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (pod.waiting("ImagePullBackOff", "Back-off pulling image"), "ImagePullBackOff: Back-off pulling image: check "),
        (pod.unschedulable("0/3 nodes are available"), "Unschedulable: 0/3 nodes are available"),
        (pod.over_quota(QUOTA), f"{QUOTA}: the pod starts when others have ended"),
    ],
)
def test_what_a_pod_waits_for_is_told_once_when_patience_ends(follow: Follow, attempt: Attempt, said: str) -> None:
    lines, _ = follow(running("extract", attempt), looks=4, patience_seconds=0.0)
    assert [line.startswith(f" extract  waits: {said}") for line in lines] == [False, True]
    lines, _ = follow(running("extract", attempt), looks=4)
    assert lines == [" extract  running"]


@pytest.mark.usefixtures("with_kubeconfig")
@pytest.mark.parametrize("is_compressed", [False, True])
def test_tasks_of_a_loop_are_told_apart(follow: Follow, is_compressed: bool) -> None:
    going, ended = Doing(state="RUNNING", attempts=(pod.working(),)), Doing(state="SUCCEEDED", attempts=(pod.done(),))
    again = Doing(state="RUNNING", attempts=(pod.out_of_memory(), pod.working()))
    failed = Doing(state="FAILED", attempts=(pod.out_of_memory(), pod.deleted()))
    looks = ((), (going, going), (going, again), (going, failed), (ended, failed))
    lines, error = follow(looping("extract", *looks), is_compressed=is_compressed)
    assert lines == [
        "extract 1  running",
        "extract 2  running",
        "extract 2  attempt 1 failed: out of memory (OOMKilled): set memory=, such as memory=64Gi; trying again",
        "extract 2  attempt 2 failed: pod deleted: somebody deleted it, or its node was taken away",
        "extract 2  failed",
        "     run  failed",
    ]
    assert error.startswith("extract 2 failed: pod deleted")


def test_tasks_of_a_loop_are_counted_where_kubeflow_does_not_tell_them_apart(follow: Follow) -> None:
    going, ended = Doing(state="RUNNING", attempts=(pod.working(),)), Doing(state="SUCCEEDED", attempts=(pod.done(),))
    lines, _ = follow(looping("extract", (), (going, going), (ended, ended)))
    assert lines == [
        " extract  running (1 of 2)",
        " extract  running (2 of 2)",
        " extract  succeeded (1 of 2)",
        " extract  succeeded (2 of 2)",
    ]


@pytest.mark.usefixtures("with_kubeconfig")
def test_run_that_argo_refuses_says_why(follow: Follow) -> None:
    lines, error = follow(refused("Request entity too large: limit is 3145728"))
    assert lines == ["     run  failed"]
    assert error.startswith("the run failed before any of its pods: Request entity too large: limit is 3145728: see")


def test_failed_task_is_named_though_its_state_comes_after_that_of_the_run(follow: Follow) -> None:
    lines, error = follow(failing("download", is_told_late=True))
    assert lines[-2:] == ["download  failed", "     run  failed"]
    assert error.startswith("download failed: ")


def test_without_a_kubeconfig_the_command_that_shows_it_is_noted_once(follow: Follow) -> None:
    lines, note = follow(running("extract"), looks=4, patience_seconds=0.0)
    assert lines == [" extract  running"]
    assert note.count("note: ") == 1
    assert "`kubectl describe pods --namespace kubeflow --selector pipeline/runid=" in note


@pytest.mark.usefixtures("with_kubeconfig")
def test_log_that_may_not_be_read_is_not_taken_for_silence(server: KfpServer, follow: Follow) -> None:
    server.kubernetes.forbidden = ("pods",)
    lines, error = follow(failing("download", "", pod.failed()))
    assert "exit code 1, its log is gone, or may not be read from here" in lines[-3]
    assert '--container main --tail=-1 | grep \'"severity": "ERROR"\'`' in error


@pytest.mark.usefixtures("with_kubeconfig")
def test_logs_of_pods_are_enough_where_workflows_may_not_be_read(server: KfpServer, follow: Follow) -> None:
    server.kubernetes.forbidden = ("workflows",)
    _, error = follow(failing("extract", "", pod.failed(log=ERROR_LINE)))
    assert error.startswith("extract: no TPU: see http://")


@pytest.mark.usefixtures("with_kubeconfig")
def test_attempts_of_a_run_that_is_cancelled_are_no_failures(
    server: KfpServer, follow: Follow, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, _ = follow(running("extract"), looks=1)
    run = server.runs.all[-1]
    Cluster(server.address).terminate(run.run_id)
    assert lines == [" extract  running"]
    with pytest.raises(RunFailedError, match=r"^the run was cancelled: see "):
        watch.wait(Cluster(server.address), run.run_id, 0.01)
    assert "attempt" not in capsys.readouterr().out


@pytest.mark.usefixtures("with_kubeconfig")
def test_status_has_attempts_and_waits(
    server: KfpServer, submitted: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = submitted(running("extract", pod.out_of_memory(), pod.unschedulable("0/3 nodes are available")))
    print_status(Cluster(server.address), run.run_id)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        " extract  attempt 1 failed: out of memory (OOMKilled): set memory=, such as memory=64Gi; trying again",
        " extract  waits: Unschedulable: 0/3 nodes are available",
    ]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"plot_title": "x" * 1_600_000}, "etcdserver: request is too large (500): put the books into a list"),
        ({"plot_title": "{{inputs.parameters.x}}"}, "failed to resolve {{inputs.parameters.x}} (500): leave {{ out"),
    ],
)
def test_request_that_is_refused_for_good_is_not_sent_again(
    server: KfpServer, pipeline: Path, parameters: dict[str, str], said: str
) -> None:
    cluster = Cluster(server.address)
    with pytest.raises(ClusterError) as refusal:
        cluster.submit(pipeline, PARAMETERS | {"options": parameters}, cluster.open_experiment("spring"), "novels")
    assert said in refusal.value.message
    assert not refusal.value.may_pass
    assert not isinstance(refusal.value, LostError)
    assert not server.runs.all


def test_pod_is_not_told_to_forward_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with KfpServer() as server:
        nowhere = server.address
    with pytest.raises(ByheartError) as error:
        Cluster(nowhere)
    assert "port-forward" not in error.value.message
    assert "see that Kubeflow runs, that KF_PIPELINES_ENDPOINT names it" in error.value.message
    assert error.value.may_pass


GRID = ["EleutherAI/pythia-12b@step1000", "gs://my-bucket/models/pythia-12b"]


@pytest.mark.usefixtures("with_kubeconfig")
def test_models_of_a_run_are_told_apart_and_one_that_fails_is_the_error(follow: Follow) -> None:
    refusal = pod.failed("[refused] no TPU", log=ERROR_LINE)
    lines, error = follow(of_models(failing("extract", "", refusal), succeeding()), model=GRID)
    assert "pythia-12b-step1000: extract  attempt 1 failed: no TPU" in lines
    assert "pythia-12b-step1000: extract  failed" in lines
    assert "pythia-12b: extract  running" in lines
    assert "pythia-12b: verdict  running" in lines, "the others go on"
    assert lines[-1] == "     run  failed"
    assert not any(line.split()[0] in ("extract", "plot") for line in lines)
    assert error.startswith("extract: no TPU: see http://")


@pytest.mark.usefixtures("with_kubeconfig")
def test_status_names_model_and_shard(
    server: KfpServer, submitted: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Doing(state="SUCCEEDED", attempts=(pod.done(),))
    shards = looping("extract", (ended, ended, Doing(state="RUNNING", attempts=(pod.working(),))))
    run = submitted(of_models(shards, failing("plan")), model=GRID)
    print_status(Cluster(server.address), run.run_id)
    told = capsys.readouterr().out
    assert "pythia-12b-step1000: extract 3  running" in told
    assert "pythia-12b: plan  attempt 1 failed" in told
    assert "pythia-12b: plan  failed" in told


@pytest.mark.usefixtures("with_kubeconfig")
def test_logs_name_model_and_shard(server: KfpServer, submitted: Callable[..., Run]) -> None:
    line = (
        pod.LAUNCHER + '\n{{"severity": "INFO", "stage": "{}", "message": "{}", "time": "2026-01-01T00:00:00Z"}}'
    ).format
    shards = [Doing(state="SUCCEEDED", attempts=(pod.done(line("extract", text)),)) for text in ("one", "two")]
    of_other: Doings = {"tokenize": (Doing(state="SUCCEEDED", attempts=(pod.done(line("tokenize", "three")),)),)}
    run = submitted(of_models(looping("extract", tuple(shards)), lambda tasks: [_only(tasks, of_other)]), model=GRID)
    said: list[StageLine] = []
    show_logs(Cluster(server.address), run.run_id, show=said.append)
    assert {(one.stage, one.message) for one in said} == {
        ("pythia-12b-step1000: extract 1", "one"),
        ("pythia-12b-step1000: extract 2", "two"),
        ("pythia-12b: tokenize", "three"),
    }


def _only(tasks: list[str], doings: Doings) -> Step:
    return Step(state="SUCCEEDED", tasks={name: doings.get(name, ()) for name in tasks} | doings)


def test_stand_in_has_as_many_nodes_for_a_model_as_were_seen(server: KfpServer, submitted: Callable[..., Run]) -> None:
    """A run of 8 shards had 137 on a real backend before a loop went over models; six of them are the run's own."""
    run = submitted(succeeding())
    ended = (Doing(state="SUCCEEDED", attempts=(pod.done(),)),)
    last = run.steps[-1]
    last.tasks["extract"] = ended * 8
    run.looks = len(run.steps)
    rows = Cluster(server.address).read_run(run.run_id).run_details.task_details
    within = re.compile(r".*\.iteration-iterations\(0:0\)\(0\)\.iteration-item\(0\)\..*")
    of_shards = re.compile(r"(.*\.iteration-iterations.*){2}|.*for-loop-3.*")
    nodes = [node["name"] for node in run.workflow["status"]["nodes"].values()]
    assert sum(bool(within.match(name) or of_shards.match(name)) for name in nodes) == 137 - 6
    names = [row.display_name for row in rows]
    assert names.count("extract") == names.count("extract(0)") == 8
    assert {"executor", "executor(0)", "download-driver", "iteration-iterations(7:7)"} <= set(names)
