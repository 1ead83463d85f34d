"""Of each architecture, a file that was written as llama.cpp's conversion does gives the model that it was made from.

Where the decoder and every tensor are those of the checkpoint, so are the scores, which other tests hold to those of
transformers. `UNSAID` lists what GGUF does not say, and what llama.cpp's source has for all models instead.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from byheart.components.download.gguf.architectures import ARCHITECTURES
from byheart.components.download.gguf.folder import GgufFolder
from byheart.components.download.gguf.header import read_gguf
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import find_family
from byheart.models.folder import open_model_at
from byheart.store import open_store
from tests.download.gguf import conversion
from tests.download.gguf.test_folder import GOLDENS, opened, refusal
from tests.download.gguf.written import read_model, write_gguf

NO_WINDOW: dict[str, Any] = {"sliding_window": None}
PLAIN_ROPE: dict[str, Any] = {"rope_parameters": {"rope_theta": 100.0, "partial_rotary_factor": 0.5}}
ALIKE_SCALES = {
    "type": "yarn",
    "factor": 6.0,
    "original_max_position_embeddings": 32,
    "mscale": 1.3,
    "mscale_all_dim": 1.3,
}
UNSAID: dict[str, dict[str, Any]] = {
    "gqa_untied": {},
    "mistral_yarn_old": {"hidden_act": "silu", **NO_WINDOW},
    "mixtral_old": {},
    "ministral3_new": {},
    "smollm3_old": {"no_rope_layers": None, "no_rope_layer_interval": 4},
    "granite_old": {},
    "qwen2_layer_types_new": {"layer_types": None, "use_sliding_window": False},
    "qwen2_moe_shared_new": {"layer_types": None, "use_sliding_window": False, "norm_topk_prob": False},
    "qwen3_dynamic_bias_old": {},
    "qwen3_next_layer_types_new": {"norm_topk_prob": True},
    "qwen3_5_text_new": {},
    "qwen3_5_moe_text_new": {},
    "gemma2_caps_old": {"query_pre_attn_scalar": 12},
    "gemma3_two_bases_old": {"query_pre_attn_scalar": 12, "sliding_window_pattern": 6},
    "phi_tied_new": PLAIN_ROPE,
    "phi3_short_factors_old": {},
    "olmo2_old": {},
    "olmo3_old": {},
    "olmoe_clip_old": {"clip_qkv": None, "norm_topk_prob": False},
    "gpt_oss_yarn_old": {"swiglu_limit": 7.0},
    "gpt_oss_mxfp4": {"swiglu_limit": 7.0},
    "gpt2_tied_unscaled": {"scale_attn_weights": True},
    "gpt_neox_parallel_old": {},
    "falcon_grouped_two_norms_new": {"activation": "gelu", "max_position_embeddings": 2048},
    "falcon_grouped_one_norm_old": {"max_position_embeddings": 2048},
    "falcon_one_key_head_old": {"max_position_embeddings": 2048},
    "starcoder2_sliding_old": {"hidden_act": "gelu_pytorch_tanh", **NO_WINDOW},
    "stablelm_own_norms_parallel_old": {},
    "nemotron_linear_new": {"hidden_act": "relu2"},
    "cohere2_old": {"sliding_window_pattern": 4},
    "exaone4_full_new": {},
    "glm4_old": {},
    "glm4_moe_groups_old": {},
    "hunyuan_v1_dense_bias_new": {},
    "seed_oss_old": {},
    "apertus_bias_new": {},
    "deepseek_v2_groups_old": {},
    "deepseek_v3_yarn_old": {"rope_scaling": ALIKE_SCALES},
}
"""The goldens, with the fields of config.json that GGUF does not say."""


def rounded(decoder: DecoderConfig) -> DecoderConfig:
    """The decoder, with the factors of sine and cosine in the precision that GGUF has."""
    attention = tuple(
        dataclasses.replace(
            each, rope=dataclasses.replace(each.rope, attention_factor=float(np.float32(each.rope.attention_factor)))
        )
        if each.rope
        else each
        for each in decoder.attention
    )
    return dataclasses.replace(decoder, attention=attention)


@pytest.mark.parametrize("name", UNSAID)
def test_model_is_the_one_that_the_file_was_made_from(name: str, tmp_path: Path) -> None:
    config, tensors = read_model(GOLDENS / name)
    folder = opened(write_gguf(tmp_path / "toy.gguf", config, tensors))
    model = open_model_at(folder)
    model.check_tensors()
    assert rounded(model.decoder) == rounded(find_family(config).parse_config(config | UNSAID[name]))
    found = load(folder.read("model.safetensors"))
    for tensor, weights in tensors.items():
        if not tensor.endswith((".beta", ".eps")):  # constants of Apertus's activation
            one_bit = 1e-6 * tensor.endswith("A_log")  # GGUF has its exponential
            np.testing.assert_allclose(found[tensor], weights, rtol=one_bit, atol=one_bit, err_msg=tensor)


def test_experts_of_qwen3_are_in_every_layer(tmp_path: Path) -> None:
    """Of a model with experts in every second layer, the layers that have them: llama.cpp knows no others."""
    config, tensors = read_model(GOLDENS / "qwen3_moe_every_second_new")
    routed = {f"model.layers.{2 * layer + 1}.": f"model.layers.{layer}." for layer in range(2)}
    kept = {name: weights for name, weights in tensors.items() if "layers." not in name}
    for before, after in routed.items():
        kept |= {after + name.removeprefix(before): tensors[name] for name in tensors if name.startswith(before)}
    config |= {"num_hidden_layers": 2, "decoder_sparse_step": 1, "norm_topk_prob": True}
    folder = opened(write_gguf(tmp_path / "toy.gguf", config, kept))
    model = open_model_at(folder)
    model.check_tensors()
    assert model.decoder == find_family(config).parse_config(config)
    found = load(folder.read("model.safetensors"))
    assert found.keys() == kept.keys()
    for name, weights in kept.items():
        np.testing.assert_array_equal(found[name], weights, err_msg=name)


def test_llama_4_has_the_constants_of_llama_cpp(tmp_path: Path) -> None:
    config, tensors = read_model(GOLDENS / "llama4_that_sees")
    text = config["text_config"]
    folder = opened(write_gguf(tmp_path / "toy.gguf", config, tensors))
    model = open_model_at(folder)
    model.check_tensors()
    own = {"attention_chunk_size": 8192, "floor_scale": 8192, "attn_scale": 0.1, "use_qk_norm": True}
    assert model.decoder == find_family(text).parse_config(text | own)
    found = load(folder.read("model.safetensors"))
    for name, weights in tensors.items():
        if name.startswith("language_model."):
            np.testing.assert_array_equal(found[name.removeprefix("language_model.")], weights, err_msg=name)


def test_every_architecture_was_tried() -> None:
    tried = {conversion.name_architecture(read_model(GOLDENS / name)[0]) for name in UNSAID}
    assert tried | {"qwen3moe", "llama4"} == set(ARCHITECTURES)


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("qwen2_moe_shared_new", {"qwen2moe.expert_weights_scale": 2.0}, "qwen2moe.expert_weights_scale=2.0"),
        ("qwen2_moe_shared_new", {"qwen2moe.expert_count": 7}, "experts.6"),
        ("gpt_oss_mxfp4", {"gpt-oss.expert_feed_forward_length": 65}, "gpt-oss.expert_feed_forward_length=64"),
        ("deepseek_v2_groups_old", {"deepseek2.attention.key_length_mla": 8}, "a part of each head"),
        ("deepseek_v2_groups_old", {"deepseek2.attention.value_length_mla": 11}, "kv_b_proj"),
        ("deepseek_v3_yarn_old", {"deepseek2.expert_gating_func": 3}, "deepseek2.expert_gating_func=1"),
        ("gemma2_caps_old", {"gemma2.attention.sliding_window_pattern": [True]}, "for each of 3 layers"),
        ("glm4_old", {"glm4.rope.dimension_sections": [2, 1, 1]}, "glm4.rope.dimension_sections"),
        ("apertus_bias_new", {"xielu.beta": [0.4] * 3}, "xielu.beta=0.5"),
        ("apertus_bias_new", {"xielu.alpha_p": [0.4] * 2}, "xielu.alpha_p"),
        ("gpt_neox_parallel_old", {"gptneox.attention.head_count": 4}, "attention.query_key_value"),
        ("granite_old", {"granite.rope.scaling.finetuned": False}, "granite.rope.scaling.finetuned=True"),
    ],
)
def test_what_contradicts_the_architecture_is_refused(
    name: str, fields: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert said in refusal(write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / name), fields=fields))


def test_bias_that_the_family_does_not_have_is_refused(tmp_path: Path) -> None:
    extra = {"blk.1.attn_output.bias": np.ones(32, np.float32)}
    path = write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / "qwen2_layer_types_new"), extra=extra)
    assert "no tensor of unknown meaning, found model.layers.1.self_attn.o_proj.bias" in refusal(path)


def test_layers_that_predict_further_tokens_are_left_out(tmp_path: Path) -> None:
    config, tensors = read_model(GOLDENS / "glm4_moe_groups_old")
    fields = {"glm4moe.block_count": 4, "glm4moe.nextn_predict_layers": 1}
    extra = {"blk.3.nextn.eh_proj.weight": np.ones((32, 64), np.float32)}
    path = write_gguf(tmp_path / "toy.gguf", config, tensors, fields=fields, extra=extra)
    assert open_model_at(opened(path)).decoder == find_family(config).parse_config(config)
    extra = {"blk.4.nextn.eh_proj.weight": np.ones((32, 64), np.float32)}
    path = write_gguf(tmp_path / "other.gguf", config, tensors, fields=fields, extra=extra)
    assert "blk.4.nextn.eh_proj.weight" in refusal(path)
    config, tensors = read_model(GOLDENS / "qwen3_5_text_new")
    further: dict[str, Any] = {"qwen35.block_count": 3, "qwen35.nextn_predict_layers": 1}
    further |= {"qwen35.attention.recurrent_layers": [True, False, False]}
    path = write_gguf(tmp_path / "third.gguf", config, tensors, fields=further)
    assert open_model_at(opened(path)).decoder == find_family(config).parse_config(config)


@pytest.mark.parametrize("name", ["mixtral_old", "gpt_oss_mxfp4", "gpt2_tied_unscaled", "deepseek_v2_groups_old"])
@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_any_range_of_bytes_is_that_of_the_file(name: str, kind: str, tmp_path: Path) -> None:
    """Blocks that are rearranged are cut anywhere; rows of 32 numbers are those that Q8_0 can pack."""
    config, tensors = read_model(GOLDENS / name)
    wide = all(weights.shape[-1] % 32 == 0 for weights in tensors.values() if weights.ndim > 1)
    path = write_gguf(tmp_path / "toy.gguf", config, tensors, kind if wide else "F16")
    folder = GgufFolder(read_gguf(open_store(str(path.parent)), path.name), {})
    whole = folder.read("model.safetensors")
    pieces = [folder.read_range("model.safetensors", at, min(at + 997, len(whole))) for at in range(0, len(whole), 997)]
    assert b"".join(pieces) == whole
