"""Prints the state of a run on a cluster, of its tasks, and of their attempts."""

from datetime import UTC, datetime

from byheart.contracts.progress import format_duration
from byheart.kubeflow.attempts import describe_attempt
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.failure import explain_failure
from byheart.kubeflow.reasons import add_remedy
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_failed, list_stage_tasks, list_stages, parse_time, read_state, was_cancelled
from byheart.kubeflow.workflow import read_workflow


def print_status(cluster: Cluster, run: str) -> None:
    """Print a run's name, state and address, the state of each of its tasks, and, if it failed, the reason.

    Where the run's Workflow may be read, the attempts that failed and the pods that wait are printed, too.

    Args:
        run: its id, name or address, as for `find_run`.

    Raises:
        ClusterError: there is no such run, or the cluster cannot be asked.
    """
    known = find_run(cluster, run)
    print(f"{known.display_name}: {read_state(known)}")
    print(f"run: {cluster.locate(known.run_id)}")
    duration = _describe_duration(known.created_at, parse_time(known.finished_at))
    print(f"began {known.created_at:%Y-%m-%d %H:%M} UTC{duration}")
    workflow = read_workflow(known, cluster.namespace)
    for task in workflow.list_stage_tasks(list_stages(known)) if workflow else list_stage_tasks(known):
        print(f"{task.label:>8}  {task.state}{_describe_duration(task.started, task.ended)}")
    if workflow and not was_cancelled(known):
        for pod in workflow.pods:
            if pod.state == "failed":
                print(f"{workflow.label(pod):>8}  {describe_attempt(workflow, pod, known.run_id, cluster.namespace)}")
            elif pod.state == "pending" and pod.message:
                print(f"{workflow.label(pod):>8}  waits: {add_remedy(pod.message)}")
    if has_failed(known):
        print(f"why: {explain_failure(cluster, known)}")


def _describe_duration(started: datetime | None, ended: datetime | None) -> str:
    """A comma and the time from start to end, or until now; empty before the start."""
    return f", {format_duration(max(0.0, ((ended or datetime.now(UTC)) - started).total_seconds()))}" if started else ""
