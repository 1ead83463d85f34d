"""Why a run failed."""

import kfp_server_api

from byheart.contracts.errors import RunFailedError
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.pods import error_of_a_pod, how_to_read_pods
from byheart.kubeflow.tasks import message_of, stages_of, state_of, tasks_of


def failure_of(cluster: Cluster, run: kfp_server_api.V2beta1Run) -> RunFailedError:
    """Which task of a run failed and what it said: KFP's word where it has one, else the last error in its pods."""
    where = f"see {cluster.address(run.run_id)}"
    if state_of(run) == "cancelled":
        return RunFailedError(f"the run was cancelled: {where}", may_pass=True)
    stages = stages_of(run)
    failed = [task for task in tasks_of(run) if task.state == "failed"]
    named = [task for task in failed if task.name in stages]
    first = min(named or failed, key=lambda task: str(task.ended), default=None)
    said = (first.message if first else "") or next((task.message for task in failed if task.message), message_of(run))
    if not said and (error := error_of_a_pod(run.run_id, cluster.namespace)):
        return error.failure(where)
    said = said or f"Kubeflow does not say why, {how_to_read_pods(run.run_id, cluster.namespace)}"
    name = first.name if first else ""
    stage = name if name in stages else ""
    return RunFailedError(f"{name or 'the run'} failed: {said}: {where}", may_pass=True, stage=stage)
