"""The plan against the compiler for TPUs, which needs none: Llama at its full sizes on slices of one host.

One process at a time may use libtpu, and a compilation takes a minute or two on two cores.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import pytest

from byheart.contracts.errors import ModelError, SettingsError
from byheart.desk.ahead import Compiled, compile_ahead, list_slice_devices
from byheart.machines.accelerators import ACCELERATORS
from byheart.machines.layout import Layout, choose_layout
from byheart.machines.memory import estimate_memory
from byheart.machines.workload import Workload
from tests.models.known_shapes import workload

pytestmark = pytest.mark.timeout(1200)

NIGHTLY = pytest.mark.nightly


def planned(name: str, accelerator: str, *marks: pytest.MarkDecorator) -> Any:
    """A model on the slice that a plan may choose for it."""
    return pytest.param((name, accelerator), marks=marks, id=f"{name}-{accelerator}")


PLANNED = [
    planned("llama-3.1-8b", "v5e-2x4"),
    planned("llama-3.1-8b", "v6e-2x4", NIGHTLY),
    planned("llama-3.1-70b", "v6e-2x4", NIGHTLY),
    planned("gemma-2-27b", "v6e-2x4", NIGHTLY),  # a large vocabulary
    planned("llama-3.1-70b", "v5p-2x2x1", NIGHTLY),
]
OTHER_KINDS = [
    planned("mixtral-8x7b", "v6e-2x4", NIGHTLY),  # routed
    planned("deepseek-v2-lite", "v6e-2x2", NIGHTLY),  # routed, and latent attention
    planned("qwen3.5-27b", "v6e-2x4", NIGHTLY),  # linear attention
]
GATHERED, REPLICATED, ONE = (
    Layout(data=8, model=1, gather=True, batch_size=8),
    Layout(data=8, model=1, gather=False, batch_size=8),
    Layout(data=1, model=1, gather=False, batch_size=256),
)
TOO_LARGE = [
    ("llama-3.1-8b", "v5e-1x1", ONE),
    ("llama-3.1-8b", "v5e-2x4", dataclasses.replace(REPLICATED, batch_size=8 * 512)),
    ("llama-3.1-8b", "v5e-2x4", dataclasses.replace(GATHERED, batch_size=8 * 4096)),
    ("llama-3.1-70b", "v5e-2x4", GATHERED),
]
FULL = [planned("llama-2-7b", "v5e-1x1"), planned("llama-3.1-8b", "v6e-1x1", NIGHTLY)]
"""Slices of which weights leave room for many windows, and which these fill."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A model at the planned layout, and what the compiler makes of it."""

    workload: Workload
    layout: Layout
    compiled: Compiled


def devices_of(accelerator: str) -> Sequence[jax.Device]:
    pytest.importorskip("libtpu", reason="needs libtpu: make test-aot installs it")
    try:
        return list_slice_devices(ACCELERATORS[accelerator])
    except SettingsError as error:
        pytest.skip(str(error))


def plan_layout(work: Workload, accelerator: str, **settings: Any) -> Layout:
    target = ACCELERATORS[accelerator]
    windows = target.generation.windows_per_device
    return choose_layout(work, target.devices, target.device_bytes, windows, **settings)


@pytest.fixture(scope="module", params=PLANNED)
def case(request: pytest.FixtureRequest) -> Case:
    name, accelerator = request.param
    work = workload(name)
    layout = plan_layout(work, accelerator)
    compiled = compile_ahead(work, layout, devices_of(accelerator), temperature=1.0, top_k=40)
    return Case(workload=work, layout=layout, compiled=compiled)


def test_what_is_planned_fits_and_takes_the_memory_that_is_planned(case: Case) -> None:
    estimate = estimate_memory(case.workload, case.layout, case.layout.batch_size)
    assert estimate.total == pytest.approx(case.compiled.memory_bytes, rel=0.15)


def test_replicated_layer_waits_for_nobody_and_most_gathers_of_a_gathered_one_are_asynchronous(case: Case) -> None:
    moved = case.compiled.program.layer_collectives
    if not case.layout.gather:
        assert not moved
        return
    assert {collective.kind for collective in moved} == {"all-gather"}
    matrices = [parameter.shape[1:] for parameter in case.workload.weights["layers"].values() if parameter.is_matrix]
    assert len(moved) == len(matrices)
    moved_bytes = sum(collective.size_bytes for collective in moved)
    assert moved_bytes == sum(map(math.prod, matrices)) * case.workload.element_bytes
    asynchronous = [collective for collective in moved if collective.is_asynchronous]
    assert len(asynchronous) > len(moved) / 2
    # Those of queries, keys and values are needed at once: 12% of the bytes of Llama-3.1-8B.
    assert sum(collective.size_bytes for collective in asynchronous) > 0.85 * moved_bytes


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_memory_of_every_kind_of_layer_is_planned(kind: tuple[str, str]) -> None:
    name, accelerator = kind
    work, layout = workload(name), plan_layout(workload(name), accelerator)
    compiled = compile_ahead(work, layout, devices_of(accelerator), temperature=1.0, top_k=40)
    assert estimate_memory(work, layout, layout.batch_size).total == pytest.approx(compiled.memory_bytes, rel=0.15)


@pytest.mark.parametrize(("name", "accelerator", "layout"), TOO_LARGE)
def test_what_the_compiler_refuses_the_plan_refused_first(name: str, accelerator: str, layout: Layout) -> None:
    work = workload(name)
    with pytest.raises(
        ModelError, match=r"the compiler must find room on each device, found a need of 1\S+ and 15.75GiB"
    ):
        compile_ahead(work, layout, devices_of(accelerator), temperature=1.0, top_k=40)
    mesh = {} if layout.gather else {"mesh_shape": f"{layout.data}x{layout.model}"}
    with pytest.raises(ModelError, match=r"found 16\.0 GB"):
        plan_layout(work, accelerator, batch_size=layout.batch_size, **mesh)


@pytest.mark.parametrize("full", FULL)
def test_compiler_takes_the_largest_batch_that_the_plan_takes(full: tuple[str, str]) -> None:
    name, accelerator = full
    work, devices = workload(name), devices_of(accelerator)

    def is_refused(batch_size: int) -> bool:
        try:
            plan_layout(work, accelerator, batch_size=batch_size)
        except ModelError:
            return True
        return False

    refused = next(batch for batch in range(8, 10_000, 8) if is_refused(batch))
    layout = plan_layout(work, accelerator, batch_size=refused - 8)
    compiled = compile_ahead(work, layout, devices, temperature=1.0, top_k=40)
    assert compiled.memory_bytes < (ACCELERATORS[accelerator].device_bytes or 0)
