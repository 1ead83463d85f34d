"""Parameters and arithmetic of a window."""

import copy
import dataclasses

import pytest

from byheart.machines.workload import Workload
from tests.models.known_shapes import CONFIGS, workload

# Of the safetensors on the Hugging Face Hub.
COUNTS = {
    "smollm2-135m": 134_515_008,
    "smollm2-360m": 361_821_120,
    "smollm2-1.7b": 1_711_376_384,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.1-70b": 70_553_706_496,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
}
TINY = {
    "model_type": "llama",
    "vocab_size": 10,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 16,
}


@pytest.mark.parametrize("name", CONFIGS)
def test_parameters_are_as_many_as_published(name: str) -> None:
    assert workload(name).parameters == COUNTS[name]


def test_arithmetic_of_a_window_is_that_worked_by_hand() -> None:
    # Two layers; 3 positions, 2 scored. Of a layer: query and output 8 x 8, key and value 8 x 4, MLP 3 x 8 x 16.
    matrices = 2 * (64 + 64 + 32 + 32 + 384) * 3
    attention = 2 * (2 * 8 * 3 * 3)  # two products for each of 9 pairs of positions, over 2 heads x 4
    assert workload(TINY, positions=3, scored_tokens=2).flops_per_window == 2 * (matrices + attention) + 2 * 10 * 8 * 2


def test_arithmetic_of_published_models_is_about_twice_their_parameters_a_position() -> None:
    for name in ("llama-3.1-8b", "llama-3.1-70b", "llama-2-7b"):
        found = workload(name)
        assert found.flops_per_window == pytest.approx(2 * found.parameters * 99, rel=0.12)


def with_experts(experts: int, chosen: int) -> Workload:
    """The tiny model with so many MLPs in place of one, and a router."""
    dense = workload(TINY, positions=3, scored_tokens=2)
    layer = {
        name: dataclasses.replace(p, shape=(experts, *p.shape), axes=("experts", *p.axes)) if "ffn" in p.axes else p
        for name, p in dense.layer.items()
    }
    layer["router"] = dataclasses.replace(dense.layer["gate"], shape=(experts, 8), axes=("experts", "embed"))
    decoder = copy.copy(dense.decoder)
    object.__setattr__(decoder, "experts_per_token", chosen)
    return dataclasses.replace(dense, layer=layer, decoder=decoder)


def test_of_experts_only_the_chosen_count_as_arithmetic_and_all_as_weights() -> None:
    dense, routed = workload(TINY, positions=3, scored_tokens=2), with_experts(8, 2)
    assert routed.parameters == dense.parameters + 2 * (7 * 384 + 8 * 8)
    assert routed.active_layer_parameters == dense.active_layer_parameters + 384 + 8 * 8
    assert routed.flops_per_window == dense.flops_per_window + 2 * 2 * (384 + 64) * 3
    assert (dense.mlp_width, routed.mlp_width) == (32, 64)


def test_norms_and_biases_are_no_matrices() -> None:
    plain, biased = workload(TINY), workload(TINY | {"attention_bias": True, "mlp_bias": True})
    assert biased.parameters > plain.parameters
    assert biased.flops_per_window == plain.flops_per_window
