"""What a run on a cluster does, on one page."""

from datetime import UTC, datetime

from byheart.contracts.progress import format_duration
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.failure import failure_of
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_ended, moment, stages_of, state_of, tasks_of


def status(cluster: Cluster, run: str) -> None:
    """Print a run's name and state, where it is, and what each of its tasks does; why it failed, if it has.

    Args:
        run: as `find_run` takes it.

    Raises:
        ClusterError: there is no such run, or the cluster cannot be asked.
    """
    known = cluster.run(find_run(cluster, run))
    stages = stages_of(known)
    print(f"{known.display_name}: {state_of(known)}")
    print(f"run: {cluster.address(known.run_id)}")
    print(f"began {known.created_at:%Y-%m-%d %H:%M} UTC{_length(known.created_at, moment(known.finished_at))}")
    for task in tasks_of(known):
        if task.name in stages and task.state:
            print(f"{task.name:>8}  {task.state}{_length(task.started, task.ended)}")
    if has_ended(known) and state_of(known) in ("failed", "cancelled"):
        print(f"why: {failure_of(cluster, known)}")


def _length(started: datetime | None, ended: datetime | None) -> str:
    """How long something took, or takes so far."""
    return f", {format_duration(max(0.0, ((ended or datetime.now(UTC)) - started).total_seconds()))}" if started else ""
