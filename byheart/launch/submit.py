"""From a desk, or from a Job, to a run on a cluster."""

import sys
from pathlib import Path

from byheart.contracts.errors import SettingsError
from byheart.kubeflow.claim import find_submitted, submit_once
from byheart.kubeflow.client import Cluster, run_address
from byheart.kubeflow.watch import wait
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.submission import Submission
from byheart.store import open_store


def submit(
    submission: Submission,
    *,
    pipeline: Path,
    host: str = "",
    namespace: str = "",
    once_seconds: float | None = None,
    wait_seconds: float | None = None,
) -> None:
    """Submit a run, and print where it is and how to go on.

    Args:
        pipeline: the compiled pipeline; `open_pipeline` makes one where a person names none.
        host: the address of Kubeflow's UI or API; empty asks the environment.
        namespace: of a profile, where Kubeflow has several users.
        once_seconds: where given, at most one run of a run file's content is ever submitted, and that is how long an
            attempt of another is waited for.
        wait_seconds: where given, the run's end is waited for, looking that often.

    Raises:
        SettingsError: what is to be run cannot be.
        ClusterError: Kubeflow Pipelines cannot be reached, or refuses.
        StoreError: the claim cannot be kept.
        RunFailedError: it was waited for, and has failed.
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
        _say(submission, run_address(host, run_id), is_new=False)  # whether or not Kubeflow is there
        _say_next(run_id)
        return
    _warn_of_local_images(compiled)
    arguments = compiled.arguments(submission.values)
    cluster = Cluster(host, namespace)
    experiment_id = cluster.experiment(submission.experiment)
    if once_seconds is None:
        run_id, is_new = cluster.submit(pipeline, arguments, experiment_id, submission.name), True
    else:
        run_id, is_new = submit_once(
            open_store(store),
            submission.digest,
            find=lambda: cluster.find(experiment_id, submission.name),
            submit=lambda seconds: cluster.submit(pipeline, arguments, experiment_id, submission.name, seconds),
            patience_seconds=once_seconds,
        )
    _say(submission, cluster.address(run_id), is_new)
    if wait_seconds is not None:
        wait(cluster, run_id, wait_seconds)
    _say_next(run_id, has_ended=wait_seconds is not None)


def _warn_of_local_images(compiled: Compiled) -> None:
    """Images that were not pushed may be on the nodes all the same: of a cluster on one machine, for example."""
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
