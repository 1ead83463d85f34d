"""Downloads the results of a run on a cluster into a folder, as a run on this machine leaves them."""

from pathlib import Path
from typing import Any

from byheart.contracts.model_names import COMPARISON
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.fetch import RemoteResults, find_remote
from byheart.launch.publication import LOG, RUN_FILE, publish
from byheart.launch.record import render_grid_file, render_run_file
from byheart.measures.results import RUN_FILES, Results


def fetch_run(cluster: Cluster, run: str, out: Path, *, root: str = "") -> None:
    """Download the results of a run that has ended; they replace an earlier run's in `out`.

    Of a run with several models, `out` receives a folder for each that has results, and their comparison.

    Args:
        run: an id, a name or an address, as for `find_run`.
        root: where Kubeflow keeps artifacts; empty asks the run and the kubeconfig.

    Raises:
        ByheartError: there is no such run, it has no results, or `out` cannot hold them.
    """
    remote = find_remote(cluster, run, root=root)
    values, log = remote.run.runtime_config.parameters, f"fetched from {cluster.locate(remote.run.run_id)}\n"
    if not remote.is_grid:
        model = list(remote.models)[-1]  # a second attempt may have found another commit of the model
        _fetch_model(remote, model, out, values, log)
        return
    with publish(out, ()) as publication:
        measured = {model: _fetch_model(remote, model, out / model, values, log) for model in remote.models}
        remote.download_comparison(publication.unfinished / COMPARISON)
        text = render_grid_file(values, list(measured.values()), out)
        (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
        (publication.unfinished / LOG).write_text(log, encoding="utf-8")


def _fetch_model(remote: RemoteResults, model: str, out: Path, values: dict[str, Any], log: str) -> Results:
    with publish(out, RUN_FILES) as publication:
        (publication.unfinished / LOG).write_text(log, encoding="utf-8")
        remote.download(model, publication.unfinished)
        text = render_run_file(values, Results.open(publication.unfinished), out)
        (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
    return Results.open(out)
