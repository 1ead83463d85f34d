"""The compare stage as a Kubeflow component."""

from typing import List  # noqa: UP035  kfp reads `list[...]` as a list of anything

from kfp import dsl


@dsl.component(base_image="byheart-compare:0.1.0", install_kfp_package=False)
def compare(
    model: List[str],  # noqa: UP006
    comparison: dsl.Output[dsl.Artifact],
    comparison_html: dsl.Output[dsl.HTML],
):
    """Set the results of a run's models side by side, as far as there are any; Kubeflow's UI shows the page."""
    from pathlib import Path

    from byheart.components.compare.models import run
    from byheart.contracts.progress import stage

    with stage("compare"):
        page = run(models=model, out=comparison.path, address=comparison.uri)
    Path(comparison_html.path).write_text(page, encoding="utf-8")
