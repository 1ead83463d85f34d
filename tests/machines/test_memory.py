"""What a device holds, against the TPU compiler's own figures, and against hand-worked numbers."""

import dataclasses

import pytest

from byheart.machines.memory import estimate_memory
from byheart.machines.mesh import Mesh
from tests.machines.test_workload import EIGHT_EXPERTS, TINY
from tests.models.known_shapes import workload

# GB a chip (10^9 bytes), compiled ahead of time for TPU. Three sources: a prototype whose head took no top k (`bare`);
# this decoder and this scorer on one chip; and the same on slices, as byheart.desk.ahead compiles it.
ONE, GATHERED_4, GATHERED_8, REPLICATED_8, SPLIT_8 = (
    Mesh(data=1, model=1, gather=False),
    Mesh(data=4, model=1, gather=True),
    Mesh(data=8, model=1, gather=True),
    Mesh(data=8, model=1, gather=False),
    Mesh(data=1, model=8, gather=False),
)
COMPILED = [
    ("llama-3.1-8b", SPLIT_8, 1, 2.0),  # bare, as the next five
    ("llama-3.1-8b", SPLIT_8, 64, 2.2),
    ("llama-3.1-8b", REPLICATED_8, 512, 16.5),
    ("llama-3.1-70b", SPLIT_8, 1, 17.7),
    ("llama-3.1-70b", GATHERED_8, 512, 20.2),
    ("llama-3.1-70b", GATHERED_4, 256, 38.0),
    ("llama-3.1-8b", ONE, 1, 16.06),  # on v6e, as the next four
    ("llama-3.1-8b", ONE, 64, 16.55),
    ("llama-3.1-8b", ONE, 128, 16.85),
    ("llama-3.1-8b", ONE, 512, 20.90),
    ("llama-3.2-1b", ONE, 64, 2.95),
    ("llama-3.2-1b", ONE, 32, 2.94),  # on v5e, as the next two
    ("llama-3.2-1b", ONE, 512, 5.59),
    ("llama-2-7b", ONE, 32, 13.58),
    ("llama-3.1-8b", ONE, 256, 17.93),  # on v5p
    ("llama-3.1-8b", GATHERED_8, 512, 3.55),  # on v6e, as the next three
    ("llama-3.1-8b", REPLICATED_8, 512, 16.55),
    ("llama-3.1-70b", GATHERED_8, 512, 20.26),
    ("llama-2-70b", GATHERED_8, 512, 20.76),
    ("llama-3.1-8b", GATHERED_8, 256, 3.59),  # on v5e
    ("llama-3.1-70b", GATHERED_4, 128, 37.87),  # on v5p
]


@pytest.mark.parametrize(("name", "mesh", "batch", "gigabytes"), COMPILED)
def test_memory_is_close_to_the_compilers_and_rather_above_it(
    name: str, mesh: Mesh, batch: int, gigabytes: float
) -> None:
    estimate = estimate_memory(workload(name), mesh, batch).total / 1e9
    assert 0.96 * gigabytes < estimate < 1.12 * gigabytes


def test_float32_on_one_chip_is_within_15_percent_of_the_compilers() -> None:
    memory = estimate_memory(workload("llama-3.2-1b", precision="float32"), ONE, 64)
    assert memory.total == pytest.approx((4.943 + 0.626) * 1e9, rel=0.15)


def test_memory_of_a_tiny_model_is_that_worked_by_hand() -> None:
    # Embedding and head 10 x 8, final norm 8; a layer 576 and two norms of 8. Two windows of 3 positions, 2 scored.
    memory = estimate_memory(workload(TINY, positions=3, scored_tokens=2), ONE, 2)
    assert memory.weights == 2 * (10 * 8 + 8 + 10 * 8 + 2 * (576 + 16))
    mlp = 1.5 * 6 * 32 * 2  # six tokens, gate and up of 16 each
    attention = 2 * 6 * 3 * 4 * 2 + 2 * 2 * 9 * (4 + 2)  # queries, keys, values and what they give; scores of 2 heads
    assert memory.states == 2 * 6 * 8 * 2 + max(mlp, attention)
    assert memory.gathered == 0
    assert memory.head == 4 * 8 * 2 + 4 * 10 * 9
    assert memory.batches == 2 * (2 * 4 * 4 + 4 * 20)
    assert memory.total == memory.weights + max(memory.states, memory.head) + memory.batches


def test_gathered_weights_are_shared_but_for_norms_and_two_layers_are_whole() -> None:
    memory = estimate_memory(workload(TINY, positions=3, scored_tokens=2), Mesh(data=2, model=1, gather=True), 4)
    assert memory.weights == 2 * (10 * 8 // 2 + 8 + 10 * 8 // 2 + 2 * (576 // 2 + 16))
    assert memory.gathered == 2 * 2 * (576 + 16)
    assert memory.head == 10 * 8 * 2 + 4 * 8 * 2 + 4 * 10 * 9


def test_weights_as_published_are_held_so_and_one_layer_and_the_head_are_converted() -> None:
    full = workload(TINY, precision="float32", positions=3, scored_tokens=2)
    held = dataclasses.replace(full, published_bytes=2 * full.parameters)
    whole, half = (estimate_memory(asked, ONE, 2) for asked in (full, held))
    assert half.weights == whole.weights / 2
    assert (whole.converted, half.converted) == (0, 4 * (576 + 16 + 10 * 8))
    assert half.total == whole.total - whole.weights / 2 + half.converted


def test_memory_of_weights_as_published_is_that_of_a_cpus_compiler() -> None:
    # Compiled for a CPU with weights in float16, which it can slice as they are: 1.296 GB beside weights and a batch.
    full = workload("llama-3.2-1b", precision="float32")
    held = dataclasses.replace(full, published_bytes=2 * full.parameters)
    assert estimate_memory(held, ONE, 1).working == pytest.approx(1.296e9, rel=0.06)
    assert estimate_memory(held, ONE, 1).weights == pytest.approx(2.4716e9, rel=0.001)


def test_tensor_parallel_shares_what_is_made_of_a_window_but_not_the_states() -> None:
    alone, shared = (
        estimate_memory(workload("llama-3.1-8b"), Mesh(data=1, model=model, gather=False), 64) for model in (1, 8)
    )
    states = 2 * 64 * 99 * 4096 * 2
    assert shared.states - states == pytest.approx((alone.states - states) / 8)
    assert shared.weights == pytest.approx(alone.weights / 8, rel=1e-3)


def test_experts_are_all_at_rest() -> None:
    both = (workload(config, positions=3, scored_tokens=2) for config in (TINY, EIGHT_EXPERTS))
    dense, routed = (estimate_memory(asked, ONE, 2) for asked in both)
    assert routed.weights == dense.weights + 2 * 2 * (7 * 384 + 64)


def test_ironwood_holds_weights_twice() -> None:
    """31.36 GB a device, by the compiler, of which 14 are copies of the layers' weights."""
    work = dataclasses.replace(workload("llama-3.1-8b"), copies_weights=True)
    found = estimate_memory(work, Mesh(data=2, model=1, gather=False), 128)
    assert found.total / 1e9 == pytest.approx(31.36, rel=0.06)
