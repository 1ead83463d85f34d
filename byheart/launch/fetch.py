"""The results of a run on a cluster, brought to where a run on this machine would have left them."""

from pathlib import Path

from byheart.kubeflow.client import Cluster
from byheart.kubeflow.fetch import fetch_results
from byheart.kubeflow.runs import find_run
from byheart.launch.publication import LOG, RUN_FILE, Publication, alone_in
from byheart.launch.record import run_file_text
from byheart.measures.results import RUN_FILES, Results


def fetch(cluster: Cluster, run: str, out: Path, *, root: str = "") -> Results:
    """The results of a run that has ended, which have replaced those of an earlier run in `out`.

    Args:
        run: as `find_run` takes it.
        root: where Kubeflow keeps artifacts, where neither the run nor a kubeconfig tells.

    Raises:
        ByheartError: there is no such run, it has no results, or `out` cannot take them.
    """
    run_id = find_run(cluster, run)
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out):
        publication = Publication(out)
        publication.begin(RUN_FILES)
        try:
            (publication.unfinished / LOG).write_text(f"fetched from {cluster.address(run_id)}\n", encoding="utf-8")
            fetch_results(cluster, run_id, publication.unfinished, root=root)
            results = Results.open(publication.unfinished)
            parameters = cluster.run(run_id).runtime_config.parameters
            text = run_file_text(parameters, results, out)
            (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
            publication.seal()
        except BaseException:
            publication.set_aside()
            raise
        publication.move_up()
    return Results.open(out)
