"""A run on a cluster, until it ends: what its tasks do, and why one failed."""

import time

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError, LostError
from byheart.kubeflow.failure import failure_of
from byheart.kubeflow.tasks import Task, has_ended, stages_of, state_of, tasks_of


def wait(cluster: Cluster, run_id: str, every_seconds: float) -> None:
    """Print a line for each change of a task's state, until the run has succeeded.

    A connection that is lost is tried again for as long as it takes: the run does not depend on it.

    Raises:
        RunFailedError: the run has failed or was cancelled; the message is the failing task's.
        ClusterError: nobody may look at it any more, or it was deleted.
        KeyboardInterrupt: with the run's address, where it goes on.
    """
    try:
        _wait(cluster, run_id, every_seconds)
    except KeyboardInterrupt:
        going_on = f"the run goes on without you: {cluster.address(run_id)}; `byheart wait {run_id}` waits again"
        raise KeyboardInterrupt(going_on) from None


def _wait(cluster: Cluster, run_id: str, every_seconds: float) -> None:
    states: dict[str, str] = {}
    lost = refused = False
    while True:
        try:
            if refused:
                cluster.connect()  # credentials that have ended are read anew, once
            run = cluster.run(run_id)
        except LostError as error:
            if not lost:
                print(f"the run goes on, but its state is not known: {error.cause}: trying again", flush=True)
            lost = True
        except ClusterError:
            if refused:
                raise
            refused = True
            continue
        else:
            if lost:
                print("connected again", flush=True)
            lost = refused = False
            _say_changes(tasks_of(run), stages_of(run), states)
            if has_ended(run):
                print(f"{'run':>8}  {state_of(run)}", flush=True)
                if state_of(run) in ("failed", "cancelled"):
                    raise failure_of(cluster, run)
                return
        time.sleep(every_seconds)


def _say_changes(tasks: list[Task], stages: set[str], states: dict[str, str]) -> None:
    for task in tasks:
        if task.name in stages and task.state and states.get(task.id) != task.state:
            states[task.id] = task.state
            print(f"{task.name:>8}  {task.state}", flush=True)
