"""The plot stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-plot:0.1.0", install_kfp_package=False)
def plot(
    book_texts: dsl.Input[dsl.Artifact],
    model_description: dsl.Input[dsl.Artifact],
    windows: dsl.Input[dsl.Artifact],
    scores: dsl.Input[dsl.Artifact],
    settings: dsl.Input[dsl.Artifact],
    results: dsl.Output[dsl.Artifact],
):
    """Draw the heat maps and write the statistics."""
    from components.contracts.progress import stage
    from components.plot.run import run

    with stage("plot"):
        run(
            books=book_texts.path,
            model=model_description.path,
            windows=windows.path,
            scores=scores.path,
            settings=settings.path,
            results=results.path,
        )
