"""The decoder, held against Hugging Face transformers (the goldens) and against a float64 NumPy forward pass."""

import dataclasses
import functools
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.extract import checkpoint, decoder
from byheart.components.extract.decoder import Params
from byheart.components.extract.scoring import Scorer, TokenScores, make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import find_family
from byheart.models.folder import ModelFolder, locate_folder, open_model
from byheart.models.rope import Rope
from tests.extract import numpy_decoder

HERE = Path(__file__).parent / "goldens"
SAMPLE = Path(__file__).parents[2] / "samples" / "model"
GOLDENS = {path.name: path for path in sorted(HERE.iterdir()) if (path / "golden.npz").exists()} | {"sample": SAMPLE}
TOLERANCE = 1e-4
"""Nats a token: what docs/models.md promises, and where most of the rounding comes from. About 2e-5 is measured."""
NEAR_TIE = 1e-5
"""Logits closer than this may be ranked either way in float32."""

LLAMAS = [name for name in GOLDENS if json.loads((GOLDENS[name] / "config.json").read_text())["model_type"] == "llama"]

every_golden = pytest.mark.parametrize("name", GOLDENS)
every_llama = pytest.mark.parametrize("name", LLAMAS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Golden:
    token_ids: np.ndarray
    log_probs: np.ndarray
    ranks: np.ndarray


@functools.cache
def golden(name: str) -> Golden:
    with np.load(HERE / "sample.npz" if name == "sample" else HERE / name / "golden.npz") as held:
        return Golden(**{field.name: held[field.name] for field in dataclasses.fields(Golden)})


@functools.cache
def loaded(folder: Path, dtype: str = "float32") -> tuple[ModelFolder, Params]:
    model = open_model(folder)
    model.check_tensors()
    return model, checkpoint.load(model, jnp.dtype(dtype), use_one_device())


@functools.cache
def compiled(folder: str, **settings: Any) -> Scorer:
    model = open_model(folder)
    return make_scorer(model.decoder, model.describe_parameters(), use_one_device(), **settings)


@functools.cache
def oracle_logits(name: str) -> np.ndarray:
    """Float64 logits [B, T - 1, V] that predict every token but the first."""
    return np.stack([numpy_decoder.logits(GOLDENS[name], ids)[:-1] for ids in golden(name).token_ids])


def scored(
    model: tuple[ModelFolder, Params],
    token_ids: np.ndarray,
    *,
    tokens: int = 99,
    temperature: float = 1.0,
    top_k: int = 0,
) -> TokenScores:
    score = compiled(locate_folder(model[0].place), scored_tokens=tokens, temperature=temperature, top_k=top_k)
    return jax.tree.map(np.asarray, score(model[1], jnp.asarray(token_ids)))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def at(values: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, token_ids[..., 1:, None], axis=-1)[..., 0]


def largest(difference: Any) -> float:
    return float(np.abs(difference).max())


@every_golden
def test_token_log_probs_agree_with_transformers_for_every_golden(name: str) -> None:
    found = scored(loaded(GOLDENS[name]), golden(name).token_ids)
    assert largest(found.log_prob - golden(name).log_probs) < TOLERANCE


@every_llama
def test_token_log_probs_agree_with_float64_numpy_for_every_golden(name: str) -> None:
    found = scored(loaded(GOLDENS[name]), golden(name).token_ids)
    assert largest(found.log_prob - at(log_softmax(oracle_logits(name)), golden(name).token_ids)) < TOLERANCE


@every_llama
def test_float64_numpy_agrees_with_transformers_for_every_golden(name: str) -> None:
    log_probs = at(log_softmax(oracle_logits(name)), golden(name).token_ids)
    assert largest(log_probs - golden(name).log_probs) < TOLERANCE


@every_llama
def test_ranks_agree_with_transformers_but_for_near_ties(name: str) -> None:
    found = scored(loaded(GOLDENS[name]), golden(name).token_ids).rank
    logits = oracle_logits(name)
    target = at(logits, golden(name).token_ids)[..., None]
    lowest = (logits > target + NEAR_TIE).sum(axis=-1)
    highest = (logits > target - NEAR_TIE).sum(axis=-1) - 1
    certain = lowest == highest
    assert certain.mean() > 0.99
    np.testing.assert_array_equal(found[certain], golden(name).ranks[certain])
    assert ((lowest <= found) & (found <= highest)).all()


@every_golden
def test_nearly_all_ranks_agree_with_transformers(name: str) -> None:
    """Where there is no other computation to say which logits nearly tie."""
    assert (scored(loaded(GOLDENS[name]), golden(name).token_ids).rank == golden(name).ranks).mean() > 0.99


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gqa_untied", {"rms_norm_eps": 1e-5}),
        ("gqa_untied", {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}),
        ("linear_biases_float16_sharded", {"attention_bias": False}),
        ("linear_biases_float16_sharded", {"mlp_bias": False}),
        ("linear_biases_float16_sharded", {"rope_scaling": None}),
        ("llama3_old_tied_head_dim", {"rope_scaling": None}),
        ("llama3_old_tied_head_dim", {"rope_scaling": {"factor": 4.0}}),
        ("llama3_new_bfloat16", {"rope_parameters": {"low_freq_factor": 1.0}}),
        ("llama3_new_bfloat16", {"rope_parameters": {"high_freq_factor": 4.0}}),
        ("llama3_new_bfloat16", {"rope_parameters": {"original_max_position_embeddings": 128}}),
    ],
)
def test_golden_would_notice_a_field_that_is_ignored(name: str, change: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(GOLDENS[name], tmp_path / "changed")
    config = json.loads((GOLDENS[name] / "config.json").read_text())
    for field, value in change.items():
        config[field] = config[field] | value if isinstance(value, dict) else value
    (tmp_path / "changed" / "config.json").write_text(json.dumps(config))
    ids = golden(name).token_ids[0]
    changed = log_softmax(numpy_decoder.logits(tmp_path / "changed", ids)[:-1])
    assert largest(at(changed, ids) - golden(name).log_probs[0]) > 1000 * TOLERANCE


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

    hasty = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return np.asarray(jax.jit(forward, compiler_options=hasty)(params, token_ids[:, :-1]))


def test_sample_golden_is_of_the_sample_model_as_it_is() -> None:
    with np.load(HERE / "sample.npz") as held:
        expected = str(held["weights_sha256"])
    found = hashlib.sha256((SAMPLE / "model.safetensors").read_bytes()).hexdigest()
    assert found == expected, "run: python -m tests.extract.goldens.make sample"


def test_score_of_a_token_does_not_depend_on_later_tokens() -> None:
    ids = golden("gqa_untied").token_ids
    changed = ids.copy()
    changed[:, 60:] = (changed[:, 60:] + 7) % 160
    before, after = (scored(loaded(GOLDENS["gqa_untied"]), rows).log_prob for rows in (ids, changed))
    assert largest(before[:, :59] - after[:, :59]) < 1e-6
    assert largest(before[:, 59:] - after[:, 59:]) > 1


def test_score_of_a_window_does_not_depend_on_its_place_in_the_batch() -> None:
    ids, model = golden("llama3_new_bfloat16").token_ids, loaded(GOLDENS["llama3_new_bfloat16"])
    together, turned = scored(model, ids), scored(model, ids[::-1])
    for row in range(len(ids)):
        alone = scored(model, ids[row : row + 1])
        assert largest(together.log_prob[row] - alone.log_prob[0]) < 1e-5
        assert largest(together.log_prob[row] - turned.log_prob[-1 - row]) < 1e-5


@pytest.mark.parametrize("tokens", [1, 50, 98])
def test_fewer_scored_tokens_give_the_tail_of_the_full_result(tokens: int) -> None:
    ids, model = golden("llama3_old_tied_head_dim").token_ids, loaded(GOLDENS["llama3_old_tied_head_dim"])
    full, tail = scored(model, ids, top_k=40), scored(model, ids, tokens=tokens, top_k=40)
    for field in dataclasses.fields(TokenScores):
        assert getattr(tail, field.name).shape == (len(ids), tokens)
        assert largest(getattr(tail, field.name) - getattr(full, field.name)[:, -tokens:]) < 1e-5


def test_scores_under_a_decoding_scheme_agree_with_float64_numpy() -> None:
    name, temperature, top_k = "linear_biases_float16_sharded", 0.6, 7
    found = scored(loaded(GOLDENS[name]), golden(name).token_ids, temperature=temperature, top_k=top_k)
    log_probs = log_softmax(oracle_logits(name) / temperature)
    mass = np.exp(np.sort(log_probs, axis=-1)[..., -top_k:]).sum(axis=-1)
    assert largest(found.log_top_k_mass - np.log(mass)) < TOLERANCE
    assert largest(found.tempered_log_prob - at(log_probs, golden(name).token_ids)) < TOLERANCE
    assert largest(found.log_prob - golden(name).log_probs) < TOLERANCE


def test_sharded_checkpoint_loads_as_a_single_file_does(tmp_path: Path) -> None:
    sharded = GOLDENS["linear_biases_float16_sharded"]
    files = sorted(sharded.glob("*.safetensors"))
    assert len(files) == 2
    save_file({k: v for file in files for k, v in load_file(file).items()}, tmp_path / "model.safetensors")
    shutil.copy(sharded / "config.json", tmp_path)
    assert loaded(tmp_path)[0].decoder == loaded(sharded)[0].decoder
    jax.tree.map(np.testing.assert_array_equal, loaded(tmp_path)[1], loaded(sharded)[1])


@pytest.mark.parametrize("name", ["linear_biases_float16_sharded", "sample"])
@pytest.mark.parametrize(("dtype", "mean", "most"), [("bfloat16", 0.15, 1.0), ("float16", 0.02, 0.15)])
def test_half_precision_is_near_float32(name: str, dtype: str, mean: float, most: float) -> None:
    """Bounds in nats a token: 8 and 11 bits of mantissa through 2 or 3 layers; about a third of them is measured."""
    found = scored(loaded(GOLDENS[name], dtype), golden(name).token_ids)
    assert found.log_prob.dtype == np.float32
    differences = np.abs(found.log_prob - golden(name).log_probs)
    assert 1e-4 < differences.mean() < mean
    assert differences.max() < most
