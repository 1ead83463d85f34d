"""From a desk, or from a Job, to a run on a cluster."""

import sys
from datetime import datetime
from pathlib import Path

from byheart.contracts.errors import SettingsError
from byheart.kubeflow.claim import find_submitted, submit_once
from byheart.kubeflow.client import Cluster, run_address
from byheart.kubeflow.watch import wait
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.parameters import check_given, parse_values
from byheart.launch.run_file import EXPERIMENT, check_reachable, read_run_file
from byheart.store import open_store


def submit(
    what: list[str],
    *,
    pipeline: Path,
    experiment: str = "",
    name: str = "",
    host: str = "",
    namespace: str = "",
    once_seconds: float | None = None,
    wait_seconds: float | None = None,
) -> None:
    """Submit a run and print where it is.

    Args:
        what: one run file, or assignments `name=value`.
        pipeline: the compiled pipeline.
        experiment: where it stands in the UI; empty is the run file's, or `byheart`.
        name: its name there; empty is the run file's, or one with the time.
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
    of_file = len(what) == 1 and "=" not in what[0]
    if of_file:
        run = read_run_file(what[0], compiled)
        check_reachable(run.values, what[0])
        values, experiment, name = run.values, experiment or run.experiment, name or run.run_name
    else:
        values = parse_values(what, compiled, places=True)
        check_reachable(values)
        check_given(values, compiled)
        experiment = experiment or EXPERIMENT
        name = name or f"byheart {datetime.now():%Y-%m-%d %H:%M:%S}"
    if once_seconds is not None and (not of_file or (name, experiment) != (run.run_name, run.experiment)):
        raise SettingsError(
            "submit --once must be given one run file, and neither --name nor --experiment, found "
            f"{'another name' if of_file else 'no run file'}: write it into the file, or leave --once out"
        )
    if (
        once_seconds is not None
        and wait_seconds is None
        and (run_id := find_submitted(open_store(run.store), run.digest))
    ):
        _say(name, run_address(host, run_id), is_new=False)  # whether or not Kubeflow is there
        return
    _warn_of_local_images(compiled)
    arguments = compiled.arguments(values)
    cluster = Cluster(host, namespace)
    experiment_id = cluster.experiment(experiment)
    if once_seconds is None:
        run_id, is_new = cluster.submit(pipeline, arguments, experiment_id, name), True
    else:
        run_id, is_new = submit_once(
            open_store(run.store),
            run.digest,
            find=lambda: cluster.find(experiment_id, name),
            submit=lambda seconds: cluster.submit(pipeline, arguments, experiment_id, name, seconds),
            patience_seconds=once_seconds,
        )
    _say(name, cluster.address(run_id), is_new)
    if wait_seconds is not None:
        _wait(cluster, run_id, compiled.tasks, wait_seconds)


def _warn_of_local_images(compiled: Compiled) -> None:
    """Images that were not pushed may be on the nodes all the same: of a cluster on one machine, for example."""
    if local := sorted(image for image in compiled.images if "/" not in image):
        print(
            f"note: {local[0]} and others are images of this machine: if the cluster's nodes do not have them, `make "
            "push REGISTRY=...` and `make compile`",
            file=sys.stderr,
            flush=True,
        )


def _say(name: str, address: str, is_new: bool) -> None:
    print(f"{'submitted' if is_new else 'was submitted before:'} {name}\nrun: {address}", flush=True)


def _wait(cluster: Cluster, run_id: str, tasks: set[str], every_seconds: float) -> None:
    try:
        wait(cluster, run_id, tasks, every_seconds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the run goes on without you: {cluster.address(run_id)}") from None
