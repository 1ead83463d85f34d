"""Submits a run to a cluster, from a person's machine or from a Job."""

import functools
import sys
from pathlib import Path

from byheart.contracts.errors import SettingsError
from byheart.kubeflow.claim import find_submitted, submit_once
from byheart.kubeflow.client import Cluster, locate_run
from byheart.kubeflow.watch import wait
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.submission import Submission
from byheart.store import open_store


def submit_run(
    submission: Submission,
    *,
    pipeline: Path,
    host: str = "",
    namespace: str = "",
    once_seconds: float | None = None,
    wait_seconds: float | None = None,
) -> None:
    """Submit a run, and print its address and the next command.

    Args:
        pipeline: the file of the compiled pipeline, as `open_pipeline` yields it.
        host: the address of Kubeflow's UI or API; empty asks the environment.
        namespace: of a profile, where Kubeflow has several users.
        once_seconds: submit at most one run of a run file's content ever, and wait this long for the attempt of another
            process; None always submits.
        wait_seconds: wait until the run ends, and look this often; None does not wait.

    Raises:
        SettingsError: the pipeline is no compiled one, or `once_seconds` is given without a run file.
        ClusterError: Kubeflow Pipelines cannot be reached, or refuses.
        StoreError: the claim on the run cannot be written to the store.
        RunFailedError: `wait_seconds` is given, and the run failed.
    """
    compiled = read_compiled(pipeline)
    if once_seconds is not None and not submission.digest:
        raise SettingsError(
            "submit --once must be given one run file, and neither --name nor --experiment, found "
            "another name or no run file: write it into the file, or leave --once out"
        )
    store = str(submission.values["store"])
    if (
        once_seconds is not None
        and wait_seconds is None
        and (run_id := find_submitted(open_store(store), submission.digest))
    ):
        _say(submission, locate_run(host, run_id), is_new=False)  # Kubeflow need not answer
        _say_next(run_id)
        return
    _warn_of_local_images(compiled)
    arguments = compiled.build_arguments(submission.values)
    cluster = Cluster(host, namespace)
    experiment_id = cluster.open_experiment(submission.experiment)
    send = functools.partial(
        cluster.submit, pipeline, arguments, experiment_id, submission.name, submission.description
    )
    if once_seconds is None:
        run_id, is_new = send(), True
    else:
        run_id, is_new = submit_once(
            open_store(store),
            submission.digest,
            find=lambda: cluster.find_named(experiment_id, submission.name),
            submit=send,
            patience_seconds=once_seconds,
        )
    _say(submission, cluster.locate(run_id), is_new)
    if wait_seconds is not None:
        wait(cluster, run_id, wait_seconds)
    _say_next(run_id, has_ended=wait_seconds is not None)


def _warn_of_local_images(compiled: Compiled) -> None:
    """Print a note about images that were not pushed; the nodes may have them, as in a cluster on one machine."""
    if local := compiled.local_images:
        print(
            f"note: {local[0]} and others are images of this machine: if the cluster's nodes do not have them, "
            "`byheart images --push REGISTRY`",
            file=sys.stderr,
            flush=True,
        )


def _say(submission: Submission, address: str, is_new: bool) -> None:
    print(f"{'submitted' if is_new else 'was submitted before:'} {submission.name}\nrun: {address}", flush=True)


def _say_next(run_id: str, has_ended: bool = False) -> None:
    waiting = "" if has_ended else f"`byheart wait {run_id}`, then "
    print(f"next: {waiting}`byheart fetch {run_id} out`", flush=True)
