"""The tokenize stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-tokenize:0.1.0", install_kfp_package=False)
def tokenize(
    book_texts: dsl.Input[dsl.Artifact],
    model_description: dsl.Input[dsl.Artifact],
    settings: dsl.Input[dsl.Artifact],
    windows: dsl.Output[dsl.Artifact],
):
    """Cut every book into windows of tokens."""
    from byheart.components.tokenize.run import run
    from byheart.contracts.progress import stage

    with stage("tokenize"):
        run(
            books=book_texts.path,
            model=model_description.path,
            settings=settings.path,
            windows=windows.path,
        )
