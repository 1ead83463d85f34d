"""From pipeline.py to the compiled graph."""

import copy
from pathlib import Path

from kfp import compiler

from components.contracts.version import VERSION
from launch.images import JAX, image_references
from pipeline import byheart


def compile_pipeline(path: str | Path, jax: str = JAX[0]) -> None:
    """Write the compiled pipeline as YAML; the same source, at the same commit, gives the same bytes.

    Args:
        jax: the flavour of extract's image.

    Raises:
        SettingsError: the images' references are not to be had.
    """
    images = {f"byheart-{name}:{VERSION}": reference for name, reference in image_references(jax).items()}
    pipeline = copy.deepcopy(byheart)
    for executor in pipeline.pipeline_spec.deployment_spec["executors"].values():
        executor["container"]["image"] = images[executor["container"]["image"]]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(path))
