"""Ends a run on a cluster."""

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_ended, state_of


def cancel(cluster: Cluster, run: str) -> None:
    """Have Kubeflow end a run, and print what it did until then.

    Args:
        run: as `find_run` takes it.

    Raises:
        ClusterError: there is no such run, it has ended, or the cluster cannot be asked.
    """
    known = cluster.run(find_run(cluster, run))
    if has_ended(known):
        raise ClusterError(
            f"a run that is cancelled must not have ended, found {known.display_name} {state_of(known)}: nothing is "
            "left to cancel"
        )
    cluster.terminate(known.run_id)
    print(f"{known.display_name} was {state_of(known)} and is being cancelled: what was scored is kept in the store")
    print(f"run: {cluster.address(known.run_id)}")
