import dataclasses
import json
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.launch.compile import compile_pipeline
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.flavour import check_flavour
from byheart.launch.images import JAX

PUSHED = {jax: f"registry/byheart-extract@sha256:{str(number) * 64}" for number, jax in enumerate(JAX)}
LISTED, OTHER = "smollm2-135m", "llama-3.1-8b"
"""Models: one that `auto` scores on a CPU, and one on a TPU."""


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    """The compiled pipelines by their flavour."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compiled = {}
    for jax in JAX:
        compile_pipeline(path, jax=jax)
        compiled[jax] = read_compiled(path)
    return compiled


@pytest.fixture
def digests(tmp_path: Path) -> Path:
    """What pushes of all flavours have written."""
    path = tmp_path / "digests.json"
    names = {"extract" if jax == JAX[0] else f"extract-{jax}": image for jax, image in PUSHED.items()}
    path.write_text(json.dumps({"commit": "0" * 40, "images": names}), encoding="utf-8")
    return path


def replace_image(compiled: Compiled, image: str) -> Compiled:
    """The pipeline with another image of extract."""
    graph = json.loads(json.dumps(compiled.graph))
    graph["deploymentSpec"]["executors"]["exec-extract"]["container"]["image"] = image
    return dataclasses.replace(compiled, graph=graph)


@pytest.mark.parametrize("is_pushed", [False, True])
@pytest.mark.parametrize(
    ("jax", "model", "accelerator", "found"),
    [
        ("tpu", OTHER, "gpu-1", "TPUs and CPUs, found gpu-1: .* --jax cuda12"),
        ("cuda12", OTHER, "v6e-2x4", "GPUs and CPUs, found v6e-2x4: .* --jax tpu"),
        ("cpu", OTHER, "v6e-2x4", "CPUs, found v6e-2x4: .* --jax tpu"),
        ("cpu", OTHER, "gpu-1", "CPUs, found gpu-1: .* --jax cuda12"),
        ("cuda12", OTHER, "auto", "GPUs and CPUs, found auto, which is a TPU for llama-3.1-8b: .* --jax tpu"),
        ("cpu", f"{OTHER}@main", "auto", "CPUs, found auto, which is a TPU"),
        *((jax, OTHER, "cpu", "") for jax in JAX),
        *((jax, LISTED, "auto", "") for jax in JAX),
        ("cpu", "HuggingFaceTB/SmolLM2-135M@main", "auto", ""),
        ("tpu", OTHER, "v6e-2x4", ""),
        ("tpu", OTHER, "auto", ""),
        ("cuda12", OTHER, "gpu-8", ""),
    ],
)
def test_image_must_drive_the_accelerator(
    pipelines: dict[str, Compiled], digests: Path, is_pushed: bool, jax: str, model: str, accelerator: str, found: str
) -> None:
    compiled = replace_image(pipelines[jax], PUSHED[jax]) if is_pushed else pipelines[jax]
    values = {"model": [model], "accelerator": accelerator}
    if not found:
        check_flavour(values, compiled, digests=digests)
        return
    with pytest.raises(SettingsError, match=f"^my.yaml: accelerator must be of a kind .* built for, {found}") as caught:
        check_flavour(values, compiled, digests=digests, file="my.yaml")
    assert caught.value.parameter == "accelerator"


@pytest.mark.parametrize("image", [PUSHED["cpu"], "registry/mine:latest", "registry/byheart-extract:latest"])
def test_image_of_an_unknown_flavour_is_taken(pipelines: dict[str, Compiled], tmp_path: Path, image: str) -> None:
    values = {"model": [OTHER], "accelerator": "gpu-1"}
    check_flavour(values, replace_image(pipelines["tpu"], image), digests=tmp_path / "none.json")
