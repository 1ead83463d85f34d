"""Parameters and arithmetic of a window."""

import pytest

from tests.models.known_shapes import workload

TINY = {
    "model_type": "llama",
    "vocab_size": 10,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 16,
}
EIGHT_EXPERTS = TINY | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
"""The same with eight MLPs in place of one, and a router that chooses two."""


def test_arithmetic_of_a_window_is_that_worked_by_hand() -> None:
    # Two layers; 3 positions, 2 scored. Of a layer: query and output 8 x 8, key and value 8 x 4, MLP 3 x 8 x 16.
    matrices = 2 * (64 + 64 + 32 + 32 + 384) * 3
    attention = 2 * (2 * 8 * 3 * 3)  # two products for each of 9 pairs of positions, over 2 heads x 4
    assert workload(TINY, positions=3, scored_tokens=2).flops_per_window == 2 * (matrices + attention) + 2 * 10 * 8 * 2


def test_arithmetic_of_published_models_is_about_twice_their_parameters_a_position() -> None:
    for name in ("llama-3.1-8b", "llama-3.1-70b", "llama-2-7b"):
        work = workload(name)
        assert work.flops_per_window == pytest.approx(2 * work.parameters * 99, rel=0.12)


def test_of_experts_only_the_chosen_count_as_arithmetic_and_all_as_weights() -> None:
    dense, routed = (workload(config, positions=3, scored_tokens=2) for config in (TINY, EIGHT_EXPERTS))
    assert routed.parameters == dense.parameters + 2 * (7 * 384 + 8 * 8)
    assert routed.active_parameters == dense.active_parameters + 2 * (384 + 8 * 8)
    assert routed.flops_per_window == dense.flops_per_window + 2 * 2 * (384 + 64) * 3
    assert (dense.mlp_width, routed.mlp_width) == (32, 64)


def test_norms_and_biases_are_no_matrices() -> None:
    plain, biased = workload(TINY), workload(TINY | {"attention_bias": True, "mlp_bias": True})
    assert biased.parameters > plain.parameters
    assert biased.flops_per_window == plain.flops_per_window
