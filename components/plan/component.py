"""The plan stage as a Kubeflow component."""

from typing import List, NamedTuple  # noqa: UP035  kfp reads `list[int]` as a list of anything

from kfp import dsl


@dsl.component(base_image="byheart-plan:0.1.0", install_kfp_package=False)
def plan(
    store: str,
    inputs: dsl.Input[dsl.Artifact],
    windows: dsl.Input[dsl.Artifact],
    run_plan: dsl.Output[dsl.Artifact],
) -> NamedTuple(  # type: ignore[valid-type]  # kfp reads it
    "Planned",
    [
        ("Output", List[int]),  # noqa: UP006  kfp's local runner can loop over no other output
        ("accelerator_type", str),
        ("accelerator_count", str),
        ("cpu", str),
        ("memory", str),
        ("node_selector", dict),
        ("tolerations", list),
    ],
):
    """Find what is left to score: the shards, and the resources that their pods request."""
    from collections import namedtuple

    from byheart.components.plan.run import run
    from byheart.contracts.inputs import Inputs
    from byheart.contracts.progress import stage

    with stage("plan"):
        shards, placement = run(**vars(Inputs.at(inputs.path)), windows=windows.path, store=store, plan=run_plan.path)
    outputs = {"Output": shards, **vars(placement)}
    return namedtuple("Planned", outputs)(**outputs)  # by name: kfp takes a plain tuple by position
