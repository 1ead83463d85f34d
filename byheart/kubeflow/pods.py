"""What the pods of a run said, where a kubeconfig or a pod's own account lets this machine read it.

Kubeflow Pipelines 2.17 knows which task failed, but not why: `PipelineTaskDetail.error` is never filled
(kubeflow/pipelines issue 14007). In a pod a stage says a JSON object a line, and why it ends with severity ERROR.
"""

import contextlib
from typing import Any

from byheart.contracts.progress import StageLine, parse_line
from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, connect, namespace_of_runs

_TAIL_LINES = 200


def error_of_a_pod(run_id: str, namespace: str | None) -> StageLine | None:
    """Why the last pod of a run that failed ended, as it said; None where nobody can tell."""
    with contextlib.suppress(*UNREACHABLE):  # this is a convenience: the message says how to read the log by hand
        kubernetes = connect()
        for pod in reversed(_list_pods(kubernetes, run_id, namespace)):
            if pod.status.phase == "Failed":
                errors = [said for said in _read_pod(kubernetes, pod, tail_lines=_TAIL_LINES) if said.is_error]
                if errors:
                    return errors[-1]
    return None


def said_by_pods(run_id: str, namespace: str | None) -> list[StageLine] | None:
    """What the stages said in those pods of a run that are still there; None where this machine may not ask."""
    try:
        kubernetes = connect()
        pods = _list_pods(kubernetes, run_id, namespace)
    except UNREACHABLE:
        return None
    lines: list[StageLine] = []
    for pod in pods:
        with contextlib.suppress(*UNREACHABLE):  # it has not begun, or has gone meanwhile
            lines += _read_pod(kubernetes, pod)
    return lines


def how_to_read_pods(run_id: str, namespace: str | None) -> str:
    """The command that shows the end of what a run's pods said."""
    place = namespace_of_runs(namespace)
    return f"run `kubectl logs --namespace {place} --selector {_selector(run_id)} --container main --tail 20`"


def _list_pods(kubernetes: Any, run_id: str, namespace: str | None) -> list[Any]:
    """The pods of a run, oldest first."""
    listed = kubernetes.list_namespaced_pod(
        namespace_of_runs(namespace), label_selector=_selector(run_id), _request_timeout=TIMEOUT_SECONDS
    )
    return sorted(listed.items, key=lambda pod: str(pod.metadata.creation_timestamp))


def _read_pod(kubernetes: Any, pod: Any, **options: Any) -> list[StageLine]:
    """What a stage said in a pod; nothing in those that are Kubeflow's own."""
    about = pod.metadata
    log = kubernetes.read_namespaced_pod_log(
        about.name, about.namespace, container="main", _request_timeout=TIMEOUT_SECONDS, **options
    )
    return [said for said in map(parse_line, log.split("\n")) if said]


def _selector(run_id: str) -> str:
    return f"pipeline/runid={run_id}"
