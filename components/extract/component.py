"""The extract stage as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="byheart-extract:0.1.0", install_kfp_package=False)
def extract(
    store: str,
    shard: int,
    model_description: dsl.Input[dsl.Artifact],
    windows: dsl.Input[dsl.Artifact],
    settings: dsl.Input[dsl.Artifact],
    plan: dsl.Input[dsl.Artifact],
) -> int:
    """Score each suffix's probability after its prompt, and return how many windows this task has scored."""
    from byheart.components.extract.run import run
    from byheart.contracts.progress import stage

    with stage("extract"):
        return run(
            model=model_description.path,
            windows=windows.path,
            settings=settings.path,
            plan=plan.path,
            store=store,
            shard=int(shard),  # on a cluster, the numbers of a list are floats
        )
