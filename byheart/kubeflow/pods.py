"""Reads what the pods of a run said, if a kubeconfig or a pod's own account permits it.

In its pod, a stage prints a JSON object a line; the reason why it fails has severity ERROR. Around it are the lines of
Kubeflow's launcher.
"""

import contextlib
from typing import Any

from byheart.contracts.progress import ERROR, StageLine, parse_line
from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, choose_namespace, connect, select_run
from byheart.kubeflow.nodes import NODE_ID, NODE_NAME, read_iterations
from byheart.kubeflow.reasons import LastWords, find_last_words

_TAIL_LINES = 200


def read_last_words(run_id: str, namespace: str | None, node_id: str = "") -> LastWords:
    """The last words of a pod; nothing if it is gone, or may not be read from here.

    Args:
        node_id: of the pod's node; without it, the newest failed pod that says why is taken.
    """
    with contextlib.suppress(*UNREACHABLE):
        kubernetes = connect()
        for pod in reversed(_list_pods(kubernetes, run_id, namespace)):
            wanted = (pod.metadata.annotations or {}).get(NODE_ID) == node_id if node_id else True
            if wanted and pod.status.phase == "Failed":
                words = find_last_words(_read_log(kubernetes, pod, tail_lines=_TAIL_LINES))
                if node_id or words.error:
                    return words
    return LastWords()


def read_pods(run_id: str, namespace: str | None) -> list[tuple[tuple[int, ...], StageLine]] | None:
    """The lines of the stages in those pods of a run that still exist, each with its pod's place in loops.

    None if pods may not be read from here.
    """
    try:
        kubernetes = connect()
        pods = _list_pods(kubernetes, run_id, namespace)
    except UNREACHABLE:
        return None
    lines: list[tuple[tuple[int, ...], StageLine]] = []
    for pod in pods:
        iterations = read_iterations((pod.metadata.annotations or {}).get(NODE_NAME, ""))
        with contextlib.suppress(*UNREACHABLE):  # it has not started, or is gone by now
            lines += [(iterations, said) for said in map(parse_line, _read_log(kubernetes, pod).split("\n")) if said]
    return lines


def suggest_logs(run_id: str, namespace: str | None, *, errors_only: bool = True) -> str:
    """A hint with the kubectl command that prints what the pods of a run said, or only the errors of its stages."""
    command = f"kubectl logs --namespace {choose_namespace(namespace)} --selector {select_run(run_id)}"
    errors = f""" | grep '"severity": "{ERROR}"'""" if errors_only else ""
    return f"run `{command} --container main --tail=-1{errors}`"


def _list_pods(kubernetes: Any, run_id: str, namespace: str | None) -> list[Any]:
    """The pods of a run, oldest first."""
    listed = kubernetes.list_namespaced_pod(
        choose_namespace(namespace), label_selector=select_run(run_id), _request_timeout=TIMEOUT_SECONDS
    )
    return sorted(listed.items, key=lambda pod: str(pod.metadata.creation_timestamp))


def _read_log(kubernetes: Any, pod: Any, **options: Any) -> str:
    about = pod.metadata
    return str(
        kubernetes.read_namespaced_pod_log(
            about.name, about.namespace, container="main", _request_timeout=TIMEOUT_SECONDS, **options
        )
    )
