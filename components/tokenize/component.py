"""The tokenize stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-tokenize:0.1.0", install_kfp_package=False)
def tokenize(
    inputs: dsl.Input[dsl.Artifact],
    windows: dsl.Output[dsl.Artifact],
):
    """Cut every book into windows of tokens."""
    from byheart.components.tokenize.run import run
    from byheart.contracts.inputs import Inputs
    from byheart.contracts.progress import stage

    with stage("tokenize"):
        run(**vars(Inputs.at(inputs.path)), windows=windows.path)
