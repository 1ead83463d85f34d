"""Ends a run on a cluster."""

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_ended, read_state


def cancel(cluster: Cluster, run: str) -> None:
    """End a run, and print the state that it was in.

    Args:
        run: its id, name or address, as for `find_run`.

    Raises:
        ClusterError: there is no such run, it has ended, or the cluster cannot be asked.
    """
    known = find_run(cluster, run)
    if has_ended(known):
        raise ClusterError(
            f"a run that is cancelled must not have ended, found {known.display_name} {read_state(known)}: nothing is "
            "left to cancel"
        )
    cluster.terminate(known.run_id)
    print(f"{known.display_name} was {read_state(known)} and is being cancelled: what was scored is kept in the store")
    print(f"run: {cluster.locate(known.run_id)}")
