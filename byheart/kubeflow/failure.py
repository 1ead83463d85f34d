"""Explains why a run failed."""

import kfp_server_api

from byheart.contracts.errors import RunFailedError
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.pods import find_pod_error, suggest_kubectl
from byheart.kubeflow.tasks import list_stages, list_tasks, read_message, read_state


def explain_failure(cluster: Cluster, run: kfp_server_api.V2beta1Run) -> RunFailedError:
    """An error that names the failed task, with its message: KFP's if it has one, else the last error in its pods."""
    where = f"see {cluster.locate(run.run_id)}"
    if read_state(run) == "cancelled":
        return RunFailedError(f"the run was cancelled: {where}", may_pass=True)
    stages = list_stages(run)
    failed = [task for task in list_tasks(run) if task.state == "failed"]
    named = [task for task in failed if task.name in stages]
    first = min(named or failed, key=lambda task: str(task.ended), default=None)
    message = (first.message if first else "") or next(
        (task.message for task in failed if task.message), read_message(run)
    )
    if not message and (error := find_pod_error(run.run_id, cluster.namespace)):
        return error.failure(where)
    message = message or f"Kubeflow does not say why, {suggest_kubectl(run.run_id, cluster.namespace)}"
    name = first.name if first else ""
    stage = name if name in stages else ""
    return RunFailedError(f"{name or 'the run'} failed: {message}: {where}", may_pass=True, stage=stage)
