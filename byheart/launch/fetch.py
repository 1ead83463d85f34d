"""Downloads the results of a run on a cluster into a folder, as a run on this machine leaves them."""

from pathlib import Path

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.fetch import find_results
from byheart.launch.publication import LOG, RUN_FILE, publish
from byheart.launch.record import render_run_file
from byheart.measures.results import RUN_FILES, Results


def fetch_run(cluster: Cluster, run: str, out: Path, *, root: str = "") -> None:
    """Download the results of a run that has ended; they replace an earlier run's in `out`.

    Args:
        run: an id, a name or an address, as for `find_run`.
        root: where Kubeflow keeps artifacts; empty asks the run and the kubeconfig.

    Raises:
        ByheartError: there is no such run, it has no results, or `out` cannot hold them.
    """
    remote = find_results(cluster, run, root=root)
    with publish(out, RUN_FILES) as publication:
        (publication.unfinished / LOG).write_text(
            f"fetched from {cluster.locate(remote.run.run_id)}\n", encoding="utf-8"
        )
        remote.download(publication.unfinished)
        text = render_run_file(remote.run.runtime_config.parameters, Results.open(publication.unfinished), out)
        (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
