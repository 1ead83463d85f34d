"""The download stage as a Kubeflow component."""

from typing import List  # noqa: UP035  kfp reads `list[str]` as a list of anything

from kfp import dsl


@dsl.component(base_image="byheart-download:0.1.0", install_kfp_package=False)
def download(
    books: List[str],  # noqa: UP006
    controls: List[str],  # noqa: UP006
    chapters: str,
    encoding: str,
    gutenberg: str,
    unwrap: bool,
    on_bad_book: str,
    model: str,
    model_revision: str,
    store: str,
    preset: str,
    chunk_size: int,
    slice_length: int,
    cursor_inc: int,
    max_length: int,
    prompt_tokens: int,
    bos: str,
    temperature: float,
    top_k: int,
    precision: str,
    control_sample: int,
    batch_size: int,
    shards: int,
    num_devices: int,
    mesh_shape: str,
    accelerator: str,
    spot: bool,
    memory: str,
    force: bool,
    coverage: str,
    plot_title: str,
    colormap: str,
    figsize: str,
    dpi: int,
    book_texts: dsl.Output[dsl.Artifact],
    model_description: dsl.Output[dsl.Artifact],
    settings: dsl.Output[dsl.Artifact],
):
    """Check every setting, bring the books and find the model whole."""
    parameters = dict(locals())
    from byheart.components.download.run import run
    from byheart.contracts.progress import stage

    with stage("download"):
        run(
            books=books,
            controls=controls,
            model=model,
            model_revision=model_revision,
            store=store,
            parameters=parameters,
            books_out=book_texts.path,
            model_out=model_description.path,
            settings_out=settings.path,
        )
