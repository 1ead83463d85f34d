"""Prints the state of a run on a cluster and of its tasks."""

from datetime import UTC, datetime

from byheart.contracts.progress import format_duration
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.failure import explain_failure
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_failed, list_stage_tasks, parse_time, read_state


def print_status(cluster: Cluster, run: str) -> None:
    """Print a run's name, state and address, the state of each of its tasks, and, if it failed, the reason.

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
    for task in list_stage_tasks(known):
        print(f"{task.name:>8}  {task.state}{_describe_duration(task.started, task.ended)}")
    if has_failed(known):
        print(f"why: {explain_failure(cluster, known)}")


def _describe_duration(started: datetime | None, ended: datetime | None) -> str:
    """A comma and the time from start to end, or until now; empty before the start."""
    return f", {format_duration(max(0.0, ((ended or datetime.now(UTC)) - started).total_seconds()))}" if started else ""
