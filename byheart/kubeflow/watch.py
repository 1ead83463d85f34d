"""Watches a run on a cluster until it ends, and prints what happens in it."""

import contextlib
import time
from typing import Any

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError, LostError
from byheart.kubeflow.failure import explain_failure
from byheart.kubeflow.story import PATIENCE_SECONDS, Story
from byheart.kubeflow.tasks import GOING, has_ended, has_failed, read_state

_SETTLING_SECONDS = 2.0
"""How long after the end of a run Kubeflow may still write the ends of its tasks."""


def wait(cluster: Cluster, run_id: str, every_seconds: float, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Print a line for each change of a task's state, failed attempt and waiting pod, until the run has succeeded.

    A lost connection is tried again without limit: the run does not depend on it.

    Args:
        patience_seconds: how long a pod waits before that is told.

    Raises:
        RunFailedError: the run failed or was cancelled; the message is that of the task that failed.
        ClusterError: the credentials are refused, or the run was deleted.
        KeyboardInterrupt: with a message that says where the run goes on.
    """
    try:
        _wait(cluster, run_id, every_seconds, Story(cluster, run_id, patience_seconds))
    except KeyboardInterrupt:
        going_on = f"the run goes on without you: {cluster.locate(run_id)}; `byheart wait {run_id}` waits again"
        raise KeyboardInterrupt(going_on) from None


def _wait(cluster: Cluster, run_id: str, every_seconds: float, story: Story) -> None:
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
            tasks = story.tell(run)
            if has_ended(run):
                if any(task.state in GOING for task in tasks) or (has_failed(run) and not tasks):
                    run = _look_again(cluster, run, story)
                print(f"{'run':>8}  {read_state(run)}", flush=True)
                if has_failed(run):
                    raise explain_failure(cluster, run)
                return
        time.sleep(every_seconds)


def _look_again(cluster: Cluster, run: Any, story: Story) -> Any:
    """The run a little later: Kubeflow may report its end before the ends of its tasks."""
    time.sleep(_SETTLING_SECONDS)
    with contextlib.suppress(ClusterError):
        run = cluster.read_run(run.run_id)
        story.tell(run)
    return run
