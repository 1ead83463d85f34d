"""Watches a run on a cluster until it ends, and prints the states of its tasks."""

import time

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError, LostError
from byheart.kubeflow.failure import explain_failure
from byheart.kubeflow.tasks import Task, has_ended, has_failed, list_stage_tasks, read_state


def wait(cluster: Cluster, run_id: str, every_seconds: float) -> None:
    """Print a line for each change of a task's state, until the run has succeeded.

    A lost connection is tried again without limit: the run does not depend on it.

    Raises:
        RunFailedError: the run failed or was cancelled; the message is that of the task that failed.
        ClusterError: the credentials are refused, or the run was deleted.
        KeyboardInterrupt: with a message that says where the run goes on.
    """
    try:
        _wait(cluster, run_id, every_seconds)
    except KeyboardInterrupt:
        going_on = f"the run goes on without you: {cluster.locate(run_id)}; `byheart wait {run_id}` waits again"
        raise KeyboardInterrupt(going_on) from None


def _wait(cluster: Cluster, run_id: str, every_seconds: float) -> None:
    states: dict[str, str] = {}
    lost = refused = False
    while True:
        try:
            if refused:
                cluster.connect()  # credentials that have ended are read anew, once
            run = cluster.read_run(run_id)
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
            _print_changes(list_stage_tasks(run), states)
            if has_ended(run):
                print(f"{'run':>8}  {read_state(run)}", flush=True)
                if has_failed(run):
                    raise explain_failure(cluster, run)
                return
        time.sleep(every_seconds)


def _print_changes(tasks: list[Task], states: dict[str, str]) -> None:
    for task in tasks:
        if states.get(task.id) != task.state:
            states[task.id] = task.state
            print(f"{task.name:>8}  {task.state}", flush=True)
