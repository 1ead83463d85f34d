"""A run on a cluster, until it ends: what its tasks do, and why one failed."""

import time
from collections.abc import Iterable
from typing import Any

import kfp_server_api

from byheart.contracts.errors import RunFailedError
from byheart.kubeflow.client import Cluster, ClusterError, LostError
from byheart.kubeflow.pods import error_of_a_pod, how_to_read_pods

_ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


def wait(cluster: Cluster, run_id: str, tasks: set[str], every_seconds: float) -> None:
    """Print a line for each change of a task's state, until the run has succeeded.

    A connection that is lost is tried again for as long as it takes: the run does not depend on it.

    Raises:
        RunFailedError: the run has failed or was cancelled; the message is the failing task's.
        ClusterError: nobody may look at it any more, or it was deleted.
    """
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
            _say_changes(_details(run), tasks, states)
            if run.state in _ENDED:
                print(f"{'run':>8}  {run.state.lower()}", flush=True)
                if run.state in ("FAILED", "CANCELED"):
                    raise _failure(cluster, run, tasks)
                return
        time.sleep(every_seconds)


def _say_changes(details: list[Any], tasks: set[str], states: dict[str, str]) -> None:
    for task in sorted(details, key=lambda task: str(task.start_time)):
        if task.display_name in tasks and task.state and states.get(task.task_id) != task.state:
            states[task.task_id] = task.state
            print(f"{task.display_name:>8}  {task.state.lower()}", flush=True)


def _failure(cluster: Cluster, run: kfp_server_api.V2beta1Run, tasks: set[str]) -> RunFailedError:
    """Which task failed, and what it said: KFP's word where it has one, else the last error in the task's pods."""
    details = _details(run)
    failed = [task for task in details if task.state == "FAILED"]
    named = [task for task in failed if task.display_name in tasks]
    first = min(named or failed, key=lambda task: str(task.end_time), default=None)
    where = f"see {cluster.address(run.run_id)}"
    if run.state == "CANCELED":
        return RunFailedError(f"the run was cancelled: {where}", may_pass=True)
    said = next(filter(None, map(_message, (first, *failed, run) if first else (run,))), None)
    if not said and (found := error_of_a_pod(run.run_id, cluster.namespace)):
        return found.failure(where)
    said = said or f"Kubeflow does not say why, {how_to_read_pods(run.run_id, cluster.namespace)}"
    name = first.display_name if first else ""
    stage = name if name in tasks else ""
    return RunFailedError(f"{name or 'the run'} failed: {said}: {where}", may_pass=True, stage=stage)


def _message(failed: Any) -> str | None:
    """What KFP says of a task or a run that failed, if it says anything."""
    errors: Iterable[Any] = (failed.error, *(status.error for status in reversed(failed.state_history or ())))
    return next((" ".join(error.message.split()) for error in errors if error and error.message), None)


def _details(run: kfp_server_api.V2beta1Run) -> list[Any]:
    return list(run.run_details.task_details or ()) if run.run_details else []
