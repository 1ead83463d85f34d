"""Every family of models, held against Hugging Face transformers: all goldens, and what each of them would notice."""

import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract import decoder
from byheart.components.extract.decoder import Params
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import find_family
from byheart.models.rope import Rope
from tests.extract.test_decoder import GOLDENS, HASTY, TOLERANCE, at, compiled, golden, largest, loaded, log_softmax

NIGHTLY = pytest.mark.nightly


@pytest.mark.parametrize("options", [pytest.param(HASTY, id="hasty"), pytest.param({}, id="", marks=NIGHTLY)])
@pytest.mark.parametrize("name", GOLDENS)
def test_scores_agree_with_transformers(name: str, options: dict[str, Any]) -> None:
    """All log-probabilities; of the ranks nearly all, where no other computation says which logits nearly tie."""
    params, token_ids = loaded(GOLDENS[name])[1], jnp.asarray(golden(name).token_ids)
    score = compiled(GOLDENS[name], scored_tokens=99, temperature=1.0, top_k=0)
    found = jax.tree.map(np.asarray, score.lower(params, token_ids).compile(options)(params, token_ids))
    assert largest(found.log_prob - golden(name).log_probs) < TOLERANCE
    assert (found.rank == golden(name).ranks).mean() > 0.99


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("mistral_sliding_new", {"sliding_window": 18}),
    ("mistral_yarn_old", {"hidden_act": "silu"}),
    ("mistral_yarn_old", {"rope_scaling": {"factor": 1.0}}),
    ("qwen2_upper_layers_slide_old", {"use_sliding_window": False}),
    ("qwen2_upper_layers_slide_old", {"max_window_layers": 2}),
    ("qwen2_upper_layers_slide_old", {"rope_scaling": None}),
    ("qwen2_layer_types_new", {"layer_types": ["full_attention", "sliding_attention"]}),
    ("qwen3_yarn_sliding_new", {"rope_parameters": {"mscale": None}}),
    ("qwen3_yarn_sliding_new", {"rope_parameters": {"beta_slow": 1.0}}),
    ("qwen3_yarn_sliding_new", {"rope_parameters": {"truncate": True}}),
    ("gpt_neox_parallel_old", {"use_parallel_residual": False}),
    ("gpt_neox_parallel_old", {"rotary_pct": 0.5}),
    ("gpt_neox_parallel_old", {"layer_norm_eps": 1e-5}),
    ("gemma2_caps_old", {"attn_logit_softcapping": None}),
    ("gemma2_caps_old", {"final_logit_softcapping": None}),
    ("gemma2_caps_old", {"query_pre_attn_scalar": 12}),
    ("gemma2_layer_types_new", {"layer_types": None}),
    ("phi3_short_factors_old", {"rope_scaling": None}),
    ("phi3_short_factors_old", {"original_max_position_embeddings": 2048}),
    ("phi3_short_factors_old", {"sliding_window": None}),
    ("phi3_long_factors_new", {"original_max_position_embeddings": 128}),
    ("phi3_long_factors_new", {"rope_parameters": {"attention_factor": 1.0}}),
    ("gemma3_two_bases_old", {"rope_local_base_freq": 5000.0}),
    ("gemma3_two_bases_old", {"rope_scaling": None}),
    ("gemma3_two_bases_old", {"sliding_window_pattern": 2}),
    ("gemma3_layer_types_new", {"final_logit_softcapping": None}),
    ("mixtral_old", {"num_experts_per_tok": 1}),
    ("gpt2_scaled_by_layer", {"scale_attn_by_inverse_layer_idx": False}),
    ("gpt2_tied_unscaled", {"scale_attn_weights": True}),
    ("gptj_half_rotated", {"rotary_dim": 12}),
    ("falcon_one_key_head_old", {"rope_theta": 10_000.0}),
    ("starcoder2_sliding_old", {"sliding_window": 18}),
    ("stablelm_own_norms_parallel_old", {"partial_rotary_factor": 0.25}),
    ("nemotron_biases_old", {"partial_rotary_factor": 1.0}),
    ("nemotron_biases_old", {"hidden_act": "relu"}),
    ("phi_normed_heads_old", {"partial_rotary_factor": 1.0}),
    ("qwen3_moe_mixed_layers_old", {"norm_topk_prob": False}),
    ("qwen3_moe_mixed_layers_old", {"use_sliding_window": False}),
    ("qwen3_moe_every_second_new", {"norm_topk_prob": True}),
    ("qwen2_moe_shared_new", {"max_window_layers": 0}),
    ("olmoe_clip_old", {"clip_qkv": None}),
    ("olmo3_old", {"rope_scaling": None}),
    ("olmo3_old", {"sliding_window": 30}),
    ("olmo3_layer_types_new", {"rope_parameters": {"sliding_attention": {"rope_theta": 900.0}}}),
    ("smollm3_old", {"no_rope_layers": [1, 1, 1, 1]}),
    ("smollm3_sliding_new", {"use_sliding_window": False}),
    ("apertus_old", {"hidden_act": "relu"}),
    ("vaultgemma_caps_old", {"attn_logit_softcapping": None}),
    ("vaultgemma_layer_types_new", {"query_pre_attn_scalar": 5}),
    ("ministral3_new", {"rope_parameters": {"llama_4_scaling_beta": 0.0}}),
    ("ministral3_sliding_new", {"rope_parameters": {"original_max_position_embeddings": 60}}),
    ("seed_oss_biases_new", {"rope_parameters": {"factor": 1.0}}),
    ("glm4_old", {"partial_rotary_factor": 1.0}),
    ("granite_old", {"attention_multiplier": 1.0}),
    ("granite_old", {"embedding_multiplier": 1.0}),
    ("granite_old", {"logits_scaling": 1.0}),
    ("granite_old", {"residual_multiplier": 1.0}),
    ("cohere2_old", {"logit_scale": 1.0}),
    ("cohere2_old", {"sliding_window_pattern": 2}),
    ("exaone4_old", {"sliding_window_pattern": 2}),
    ("exaone4_old", {"sliding_window": 40}),
    ("hunyuan_v1_dense_old", {"rope_scaling": {"alpha": 1.0}}),
    ("gpt_oss_yarn_old", {"swiglu_limit": 7.0}),
    ("gpt_oss_layer_types_new", {"swiglu_alpha": 1.702}),
    ("glm4_moe_groups_old", {"topk_group": 4}),
    ("glm4_moe_groups_old", {"routed_scaling_factor": 1.0}),
    ("deepseek_v3_yarn_old", {"rope_scaling": {"mscale_all_dim": 0.7}}),
    ("deepseek_v3_yarn_old", {"rope_interleave": False}),
    ("deepseek_v2_groups_old", {"topk_method": "greedy"}),
    ("llama4_text_old", {"attention_chunk_size": 256}),
    ("llama4_text_old", {"attn_temperature_tuning": False}),
    ("llama4_text_old", {"use_qk_norm": False}),
    ("llama4_text_old", {"no_rope_layers": [1, 1, 1, 1]}),
    ("qwen3_next_old", {"partial_rotary_factor": 0.25}),
    ("qwen3_5_moe_text_new", {"num_experts_per_tok": 1}),
]
"""A golden, and fields of its config.json with other values."""
FEATURES: list[tuple[str, dict[str, Any]]] = [
    ("glm4_old", {"rope_interleaved": False}),
    ("cohere2_old", {"rope_interleaved": False}),
    ("cohere2_old", {"norm": "rms"}),
    ("cohere2_old", {"attention": (Attention(rope=Rope(theta=80.0), window=11),)}),
    ("hunyuan_v1_dense_old", {"norm_after_rope": False}),
]
"""A golden, and features of its decoder that no field of config.json turns off."""


@NIGHTLY
@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_golden_of_a_family_would_notice_a_field_that_is_ignored(name: str, change: dict[str, Any]) -> None:
    content = json.loads((GOLDENS[name] / "config.json").read_text())
    for field, value in change.items():
        content[field] = content[field] | value if isinstance(value, dict) else value
    config = find_family(content).parse_config(content)
    assert config != loaded(GOLDENS[name])[0].decoder
    ids = golden(name).token_ids[:1]
    changed = at(log_softmax(quick_logits(config, loaded(GOLDENS[name])[1], ids)), ids)
    assert largest(changed - golden(name).log_probs[:1]) > 100 * TOLERANCE


@NIGHTLY
@pytest.mark.parametrize(("name", "change"), FEATURES)
def test_golden_of_a_family_would_notice_a_feature_that_is_ignored(name: str, change: dict[str, Any]) -> None:
    model, params = loaded(GOLDENS[name])
    ids = golden(name).token_ids[:1]
    changed = at(log_softmax(quick_logits(dataclasses.replace(model.decoder, **change), params, ids)), ids)
    assert largest(changed - golden(name).log_probs[:1]) > 100 * TOLERANCE


def quick_logits(config: DecoderConfig, params: Params, token_ids: np.ndarray) -> np.ndarray:
    """Logits [B, T - 1, V] that predict every token but the first, compiled in less time and computed in more."""

    def forward(params: Params, token_ids: jax.Array) -> jax.Array:
        return decoder.compute_logits(params, config, decoder.compute_hidden_states(params, config, token_ids))

    return np.asarray(jax.jit(forward, compiler_options=HASTY)(params, token_ids[:, :-1]))
