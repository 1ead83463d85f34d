"""The verdict stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-verdict:0.1.0", install_kfp_package=False)
def verdict(results: dsl.Input[dsl.Artifact]):
    """Fail the run, after its results are written, if a book was not measured."""
    from byheart.components.verdict.run import run
    from byheart.contracts.progress import stage

    with stage("verdict", may_pass=False):
        run(results=results.path)
