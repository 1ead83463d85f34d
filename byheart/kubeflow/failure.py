"""Explains why a run failed."""

import kfp_server_api

from byheart.contracts.errors import RunFailedError
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.nodes import Workflow
from byheart.kubeflow.pods import read_last_words, suggest_logs
from byheart.kubeflow.reasons import describe_end, may_pass, needs_log
from byheart.kubeflow.tasks import list_stages, list_tasks, read_message, read_state
from byheart.kubeflow.workflow import read_workflow


def explain_failure(cluster: Cluster, run: kfp_server_api.V2beta1Run) -> RunFailedError:
    """An error that names the task that failed first, and says why.

    The reason is KFP's, if it knows one; else that of the run's Workflow and of its pods, as far as they may be read.
    """
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
    if not message:
        workflow = read_workflow(run, cluster.namespace)
        if workflow and (error := _explain_workflow(workflow, run.run_id, cluster.namespace, where)):
            return error
        if said := read_last_words(run.run_id, cluster.namespace).error:
            return said.failure(where)
    message = message or f"Kubeflow does not say why, {_suggest_logs(run.run_id, cluster.namespace)}"
    name = first.name if first else ""
    stage = name if name in stages else ""
    return RunFailedError(f"{name or 'the run'} failed: {message}: {where}", may_pass=True, stage=stage)


def _explain_workflow(workflow: Workflow, run_id: str, namespace: str | None, where: str) -> RunFailedError | None:
    """The error of the attempt that was the last of its task; else of the whole workflow. None if it has none."""
    attempt = next((failed for failed in workflow.list_failed() if workflow.is_last(failed)), None)
    if attempt is None:
        if not workflow.message:
            return None
        return RunFailedError(f"the run failed before any of its pods: {workflow.message}: {where}", may_pass=False)
    words = read_last_words(run_id, namespace, attempt.id)
    reason = describe_end(attempt.message, attempt.task, words)
    if words.error and words.error.message == reason:
        return words.error.failure(where)  # which knows the parameter at fault
    if needs_log(attempt.message) and not words.is_read:
        reason += f": {_suggest_logs(run_id, namespace)}"
    return RunFailedError(
        f"{workflow.label(attempt)} failed: {reason}: {where}",
        may_pass=may_pass(attempt.message),
        stage=attempt.task,
    )


def _suggest_logs(run_id: str, namespace: str | None) -> str:
    return f"{suggest_logs(run_id, namespace)} or `byheart logs {run_id}`"
