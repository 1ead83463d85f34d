"""Reads what the pods of a run said, if a kubeconfig or a pod's own account permits it.

Kubeflow Pipelines 2.17 knows which task failed, but not why: `PipelineTaskDetail.error` is never filled
(kubeflow/pipelines issue 14007). In its pod, a stage prints a JSON object a line; the reason why it fails has severity
ERROR.
"""

import contextlib
from typing import Any

from byheart.contracts.progress import StageLine, parse_line
from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, choose_namespace, connect

_TAIL_LINES = 200


def find_pod_error(run_id: str, namespace: str | None) -> StageLine | None:
    """The last error in the newest failed pod of a run; None if none is found, or pods may not be read."""
    with contextlib.suppress(*UNREACHABLE):  # without it, the message says how to read the log by hand
        kubernetes = connect()
        for pod in reversed(_list_pods(kubernetes, run_id, namespace)):
            if pod.status.phase == "Failed":
                errors = [said for said in _read_pod(kubernetes, pod, tail_lines=_TAIL_LINES) if said.is_error]
                if errors:
                    return errors[-1]
    return None


def read_pods(run_id: str, namespace: str | None) -> list[StageLine] | None:
    """The lines of the stages in those pods of a run that still exist; None if pods may not be read from here."""
    try:
        kubernetes = connect()
        pods = _list_pods(kubernetes, run_id, namespace)
    except UNREACHABLE:
        return None
    lines: list[StageLine] = []
    for pod in pods:
        with contextlib.suppress(*UNREACHABLE):  # it has not started, or is gone by now
            lines += _read_pod(kubernetes, pod)
    return lines


def suggest_kubectl(run_id: str, namespace: str | None) -> str:
    """A hint with the kubectl command that prints the last log lines of a run's pods."""
    command = f"kubectl logs --namespace {choose_namespace(namespace)} --selector {_select_run(run_id)}"
    return f"run `{command} --container main --tail 20`"


def _list_pods(kubernetes: Any, run_id: str, namespace: str | None) -> list[Any]:
    """The pods of a run, oldest first."""
    listed = kubernetes.list_namespaced_pod(
        choose_namespace(namespace), label_selector=_select_run(run_id), _request_timeout=TIMEOUT_SECONDS
    )
    return sorted(listed.items, key=lambda pod: str(pod.metadata.creation_timestamp))


def _read_pod(kubernetes: Any, pod: Any, **options: Any) -> list[StageLine]:
    """The lines that a stage said in a pod; empty for Kubeflow's own pods."""
    about = pod.metadata
    log = kubernetes.read_namespaced_pod_log(
        about.name, about.namespace, container="main", _request_timeout=TIMEOUT_SECONDS, **options
    )
    return [said for said in map(parse_line, log.split("\n")) if said]


def _select_run(run_id: str) -> str:
    return f"pipeline/runid={run_id}"
