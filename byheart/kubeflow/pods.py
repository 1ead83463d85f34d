"""What the pods of a run said, where a kubeconfig or a pod's own account lets this machine read it.

Kubeflow Pipelines 2.17 knows which task failed, but not why: `PipelineTaskDetail.error` is never filled
(kubeflow/pipelines issue 14007). In a pod a stage says a JSON object a line, and why it ends with severity ERROR.
"""

import contextlib
import io

import kubernetes
import urllib3

from byheart.contracts.progress import StageLine, parse_line

_TAIL_LINES = 200
_NAMESPACE = "kubeflow"
_TIMEOUT_SECONDS = 10


def error_of_a_pod(run_id: str, namespace: str | None) -> StageLine | None:
    """Why the last pod of a run that failed ended, as it said; None where nobody can tell."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where it prints that there is no kubeconfig
            kubernetes.config.load_config()
        pods = kubernetes.client.CoreV1Api()
        place = namespace or _NAMESPACE
        found = pods.list_namespaced_pod(place, label_selector=_selector(run_id), _request_timeout=_TIMEOUT_SECONDS)
        failed = [pod.metadata for pod in found.items if pod.status.phase == "Failed"]
        for pod in sorted(failed, key=lambda pod: str(pod.creation_timestamp), reverse=True):
            log = pods.read_namespaced_pod_log(
                pod.name, place, container="main", tail_lines=_TAIL_LINES, _request_timeout=_TIMEOUT_SECONDS
            )
            errors = [said for said in map(parse_line, log.split("\n")) if said and said.is_error]
            if errors:
                return errors[-1]
    except (kubernetes.config.ConfigException, kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
        pass  # this is a convenience: the message says how to read the log by hand
    return None


def how_to_read_pods(run_id: str, namespace: str | None) -> str:
    """The command that shows the end of what a run's pods said."""
    place = namespace or _NAMESPACE
    return f"run `kubectl logs --namespace {place} --selector {_selector(run_id)} --container main --tail 20`"


def _selector(run_id: str) -> str:
    return f"pipeline/runid={run_id}"
