"""The extract stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-extract:0.1.0", install_kfp_package=False)
def extract(
    store: str,
    shard: int,
    inputs: dsl.Input[dsl.Artifact],
    windows: dsl.Input[dsl.Artifact],
    run_plan: dsl.Input[dsl.Artifact],
) -> int:
    """Score each suffix's probability after its prompt, and return how many windows this task has scored."""
    from byheart.components.extract.run import run
    from byheart.contracts.inputs import Inputs
    from byheart.contracts.progress import stage

    files = Inputs.at(inputs.path)
    with stage("extract"):
        return run(
            books=files.books,
            model=files.model,
            windows=windows.path,
            settings=files.settings,
            plan=run_plan.path,
            store=store,
            shard=int(shard),  # on a cluster, the numbers of a list are floats
        )
