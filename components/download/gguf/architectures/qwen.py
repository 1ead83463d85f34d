"""Qwen2 and Qwen3, with and without experts. Source: llama.cpp's conversion/qwen.py and src/models/qwen*.cpp."""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    LAYER,
    LLAMA,
    MODEL,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_expert_counts,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, keep, split
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_MLP = "model.layers.{layer}.mlp."


def _list_experts(**parts: str) -> tuple[Made, ...]:
    return tuple(
        Made(f"{_MLP}{name}.weight", (f"blk.{{layer}}.{part}.weight",), split if "{each}" in name else keep)
        for part, name in parts.items()
    )


EXPERTS = _list_experts(
    ffn_gate_inp="gate",
    ffn_gate_exps="experts.{each}.gate_proj",
    ffn_up_exps="experts.{each}.up_proj",
    ffn_down_exps="experts.{each}.down_proj",
)
"""The tensors of experts as Qwen's families name them."""
SHARED = _list_experts(
    ffn_gate_shexp="shared_expert.gate_proj",
    ffn_up_shexp="shared_expert.up_proj",
    ffn_down_shexp="shared_expert.down_proj",
    ffn_gate_inp_shexp="shared_expert_gate",
)


def read_expert_sizes(metadata: Metadata) -> dict[str, int]:
    """How many experts there are, how many a token has, and how wide they are."""
    ffn = metadata.measure("blk.{layer}.ffn_gate_exps.weight", 1)
    metadata.require("expert_feed_forward_length", ffn)
    return read_expert_counts(metadata) | {"moe_intermediate_size": ffn}


def read_shared_size(metadata: Metadata) -> int:
    """How wide the expert is that all tokens share."""
    shared = metadata.measure("blk.{layer}.ffn_gate_shexp.weight", 0)
    metadata.require("expert_shared_feed_forward_length", shared)
    return shared


def _read(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    return read_sizes(metadata) | read_rope(metadata) | {"hidden_act": "silu", "use_sliding_window": False}


def _describe_qwen2(metadata: Metadata) -> dict[str, Any]:
    return _read(metadata) | {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}


def _describe_qwen3(metadata: Metadata) -> dict[str, Any]:
    return _read(metadata) | {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": has_bias(metadata, "attn_q"),
    }


def _describe_qwen2_moe(metadata: Metadata) -> dict[str, Any]:
    return {
        **_read(metadata),
        **read_expert_sizes(metadata),
        "architectures": ["Qwen2MoeForCausalLM"],
        "model_type": "qwen2_moe",
        "norm_topk_prob": False,
        "qkv_bias": has_bias(metadata, "attn_q"),
        "shared_expert_intermediate_size": read_shared_size(metadata),
    }


def _describe_qwen3_moe(metadata: Metadata) -> dict[str, Any]:
    return {
        **_read(metadata),
        **read_expert_sizes(metadata),
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        "norm_topk_prob": True,
        "attention_bias": has_bias(metadata, "attn_q"),
    }


_QWEN3 = MODEL + both(LAYER | QUERY_KEY_NORMS)

ARCHITECTURES = (
    Architecture(name="qwen2", describe=_describe_qwen2, tensors=LLAMA),
    Architecture(name="qwen3", describe=_describe_qwen3, tensors=_QWEN3),
    Architecture(name="qwen2moe", describe=_describe_qwen2_moe, tensors=LLAMA + EXPERTS + SHARED),
    Architecture(name="qwen3moe", describe=_describe_qwen3_moe, tensors=_QWEN3 + EXPERTS),
)
