"""The download stage as a Kubeflow component."""

from typing import Any, List  # noqa: UP035  kfp reads `list[str]` as a list of anything

from kfp import dsl


@dsl.component(base_image="byheart-download:0.1.0", install_kfp_package=False)
def download(
    books: List[str],  # noqa: UP006
    model: str,
    store: str,
    controls: List[str],  # noqa: UP006
    control_sample: int,
    preset: str,
    chunk_size: int,
    prompt_tokens: int,
    cursor_inc: int,
    top_k: int,
    precision: str,
    accelerator: str,
    spot: bool,
    shards: int,
    options: dict[str, Any],
    defaults: dict[str, Any],
    inputs: dsl.Output[dsl.Artifact],
):
    """Check every setting, fetch the books, and fetch or verify the model."""
    parameters = {name: value for name, value in locals().items() if not hasattr(value, "path")}
    from byheart.components.download.run import run
    from byheart.contracts.progress import stage

    with stage("download"):
        run(defaults=parameters.pop("defaults"), parameters=parameters, inputs=inputs.path)
