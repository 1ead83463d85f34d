"""The fields that llama.cpp's conversion makes of a config.json, written anew.

Source: llama.cpp at commit 0c1e57098, `set_gguf_parameters` of each model in conversion/.
"""

from typing import Any

import numpy as np

from byheart.models.decoder_config import DecoderConfig
from byheart.models.rope import Rope


def describe(config: dict[str, Any], decoder: DecoderConfig) -> dict[str, Any]:
    """The fields of a model, without the architecture before them."""
    family, heads = config["model_type"], decoder.heads
    ropes = [attention.rope for attention in decoder.attention if attention.rope]
    windows = [attention.window for attention in decoder.expand_attention()]
    fields: dict[str, Any] = {
        "block_count": decoder.layers,
        "context_length": decoder.max_positions,
        "embedding_length": decoder.embed,
        "feed_forward_length": decoder.ffn,
        "attention.head_count": heads,
        "attention.head_count_kv": 1 if decoder.latent else decoder.kv_heads,
        f"attention.layer_norm_{'rms_' if decoder.norm == 'rms' else ''}epsilon": decoder.norm_epsilon,
        "vocab_size": decoder.vocab,
    }
    if decoder.head_dim != decoder.embed // heads:
        fields |= {"attention.key_length": decoder.head_dim, "attention.value_length": decoder.head_dim}
    if ropes:
        fields |= describe_rope(max(ropes, key=lambda rope: rope.scaling is not None), decoder)
    if len({rope.theta for rope in ropes}) > 1:
        fields |= {"rope.freq_base_swa": ropes[windows.index(max(window or 0 for window in windows))].theta}
    if decoder.experts:
        fields |= describe_experts(decoder)
    match family:
        case "gemma2" | "gemma3_text":
            fields |= {"attention.sliding_window": max(window or 0 for window in windows)}
            fields |= {"final_logit_softcapping": decoder.final_softcap} if decoder.final_softcap else {}
            fields |= {"attn_logit_softcapping": decoder.attention_softcap} if decoder.attention_softcap else {}
        case "olmo3" | "exaone4" if any(windows):
            factor = (config.get("rope_scaling") or {}).get("attention_factor")
            fields |= {"rope.scaling.yarn_attn_factor": factor} if factor else {}
            fields |= {"attention.sliding_window": max(window or 0 for window in windows)}
            fields |= {"attention.sliding_window_pattern": [window is not None for window in windows]}
        case "gpt_oss":
            fields |= {"attention.sliding_window": max(window or 0 for window in windows)}
        case "cohere2":
            fields |= {"attention.sliding_window": max(window or 0 for window in windows)}
            fields |= {"logit_scale": decoder.logit_scale, "rope.scaling.type": "none"}
        case "phi3":
            fields |= {"attention.sliding_window": windows[0] or 0}
        case "granite":
            fields |= {"attention.scale": decoder.attention_scale, "embedding_scale": decoder.embed_scale}
            fields |= {"residual_scale": decoder.residual_scale, "logit_scale": 1 / decoder.logit_scale}
        case "ministral3":
            fields |= {"attention.temperature_scale": config["rope_parameters"]["llama_4_scaling_beta"]}
            fields |= {"rope.scaling.yarn_log_multiplier": config["rope_parameters"]["mscale_all_dim"]}
        case "gpt_neox" | "stablelm":
            fields |= {"use_parallel_residual": decoder.parallel}
        case "nemotron":
            fields |= {"attention.layer_norm_rms_epsilon": decoder.norm_epsilon}
        case "falcon":
            fields |= {"tensor_data_layout": "jploski", "context_length": 2048}
        case "phi" | "gpt2":
            fields |= {"feed_forward_length": 4 * decoder.embed}
        case "llama4":
            fields |= {"interleave_moe_layer_step": 1}
        case "qwen3_next" | "qwen3_5_text" | "qwen3_5_moe_text":
            fields |= {} if family == "qwen3_next" else {"rope.dimension_sections": [11, 11, 10, 0]}
            linear = decoder.linear
            assert linear
            fields |= {"ssm.conv_kernel": linear.kernel, "ssm.state_size": linear.head_dim}
            fields |= {"ssm.group_count": linear.key_heads, "ssm.time_step_rank": linear.value_heads}
            fields |= {"ssm.inner_size": linear.head_dim * linear.value_heads, "full_attention_interval": 4}
            fields |= {"attention.recurrent_layers": [layer in linear.layers for layer in range(decoder.layers)]}
        case "deepseek_v2" | "deepseek_v3":
            fields |= describe_latent(config, decoder)
    return fields


def describe_rope(rope: Rope, decoder: DecoderConfig) -> dict[str, Any]:
    """The fields of a rotary embedding."""
    fields: dict[str, Any] = {
        "rope.freq_base": rope.theta,
        "rope.dimension_count": rope.count_rotated(decoder.rotary_dim),
    }
    if rope.scaling in ("linear", "yarn"):
        fields |= {"rope.scaling.type": rope.scaling, "rope.scaling.factor": rope.factor}
    if rope.scaling == "yarn":
        fields |= {"rope.scaling.original_context_length": rope.original_positions}
        fields |= {"rope.scaling.yarn_beta_fast": rope.beta_fast, "rope.scaling.yarn_beta_slow": rope.beta_slow}
    if rope.scaling == "longrope":
        fields |= {"rope.scaling.original_context_length": rope.original_positions}
        fields |= {"rope.scaling.attn_factor": rope.attention_factor}
    return fields


def describe_experts(decoder: DecoderConfig) -> dict[str, Any]:
    """The fields of experts."""
    experts = decoder.experts
    assert experts
    fields: dict[str, Any] = {"expert_count": experts.count, "expert_used_count": experts.per_token}
    fields |= {"expert_feed_forward_length": experts.ffn} if experts.ffn != decoder.ffn else {}
    if experts.shared_gate:
        fields |= {"expert_shared_feed_forward_length": experts.shared_ffn}
    elif experts.shared_ffn and not experts.scaled_input:
        fields |= {"expert_shared_count": experts.shared_ffn // experts.ffn}
        fields |= {"leading_dense_block_count": decoder.layers - len(decoder.list_expert_layers())}
        fields |= {"expert_group_count": experts.groups, "expert_group_used_count": experts.groups_per_token}
        fields |= {"expert_gating_func": {"softmax": 1, "sigmoid": 2}[experts.score]}
        fields |= {"expert_weights_scale": experts.scale, "expert_weights_norm": experts.normalized}
    return fields


def describe_latent(config: dict[str, Any], decoder: DecoderConfig) -> dict[str, Any]:
    """The fields of latent attention: the heads' own sizes beside those of latent vectors."""
    latent = decoder.latent
    assert latent
    scale = (config.get("rope_scaling") or config.get("rope_parameters") or {}).get("mscale_all_dim")
    return {
        "attention.key_length": latent.rank + latent.rope_dim,
        "attention.value_length": latent.rank,
        "attention.key_length_mla": decoder.head_dim,
        "attention.value_length_mla": latent.value_dim,
        "attention.kv_lora_rank": latent.rank,
        **({"attention.q_lora_rank": latent.query_rank} if latent.query_rank else {}),
        **({"rope.scaling.yarn_log_multiplier": 0.1 * scale} if scale else {}),
    }


def describe_activation(tensors: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The fields of Apertus's activation, a number for each layer, which name no architecture."""
    names = ("alpha_p", "alpha_n", "beta", "eps")
    found = {
        name: [float(tensors[key].item()) for key in sorted(tensors) if key.endswith(f"act_fn.{name}")]
        for name in names
    }
    return {f"xielu.{name}": values for name, values in found.items() if values}
