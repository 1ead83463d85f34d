"""Llama and what has its shape: Mistral and Mixtral, Mistral 3, SmolLM3 and Granite.

Of all of these, conversions reorder the rows of queries and keys. Source: llama.cpp's conversion/llama.py, and
src/models/llama.cpp, mistral3.cpp, smollm3.cpp and granite.cpp.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    LAYER,
    MODEL,
    Architecture,
    has_bias,
    read_expert_counts,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, keep, split, unpair
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_ROTATED = ("attn_q", "attn_k")
_REORDERED = (
    MODEL
    + both({part: name for part, name in LAYER.items() if part not in _ROTATED})
    + both({part: ATTENTION[part] for part in _ROTATED}, by=unpair)
)
_EXPERTS = tuple(
    Made(f"model.layers.{{layer}}.block_sparse_moe.{name}.weight", (f"blk.{{layer}}.{part}.weight",), by)
    for part, name, by in (
        ("ffn_gate_inp", "gate", keep),
        ("ffn_gate_exps", "experts.{each}.w1", split),
        ("ffn_up_exps", "experts.{each}.w3", split),
        ("ffn_down_exps", "experts.{each}.w2", split),
    )
)


def _describe_llama(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    config = read_sizes(metadata) | read_rope(metadata) | {"hidden_act": "silu"}
    if metadata.integer("expert_count", 0, least=0):
        return config | {
            "architectures": ["MixtralForCausalLM"],
            "model_type": "mixtral",
            "sliding_window": None,
            **read_expert_counts(metadata, "num_local_experts"),
        }
    return config | {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **_read_biases(metadata)}


def _read_biases(metadata: Metadata) -> dict[str, bool]:
    return {"attention_bias": has_bias(metadata, "attn_q"), "mlp_bias": has_bias(metadata, "ffn_up")}


def _describe_mistral3(metadata: Metadata) -> dict[str, Any]:
    """Without a scale of temperature it is Mistral; with one, Ministral 3."""
    require_whole_heads(metadata)
    config = read_sizes(metadata) | {"hidden_act": "silu", "sliding_window": None}
    beta = metadata.number_or_none("attention.temperature_scale")
    if beta is None:
        return config | read_rope(metadata) | {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
    stretch = metadata.number_or_none("rope.scaling.yarn_log_multiplier")
    scales = {} if stretch is None else {"mscale": 1.0, "mscale_all_dim": stretch}
    rope = read_rope(metadata, **scales, llama_4_scaling_beta=beta)
    scaling = rope["rope_scaling"] or {}
    if scaling.get("rope_type") != "yarn":
        metadata.gguf.refuse("scale rotary frequencies by yarn", "another scaling", "name the model's safetensors")
    return config | {
        "architectures": ["Ministral3ForCausalLM"],
        "model_type": "ministral3",
        "rope_parameters": scaling | {"rope_theta": rope["rope_theta"]},
    }


def _describe_smollm3(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        **_read_biases(metadata),
        "architectures": ["SmolLM3ForCausalLM"],
        "model_type": "smollm3",
        "hidden_act": "silu",
        "no_rope_layer_interval": 4,
    }


def _describe_granite(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    metadata.require("rope.scaling.finetuned", True)  # otherwise it rotates nothing
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        **_read_biases(metadata),
        "architectures": ["GraniteForCausalLM"],
        "model_type": "granite",
        "hidden_act": "silu",
        "attention_multiplier": metadata.number("attention.scale", metadata.head_dim**-0.5),
        "embedding_multiplier": metadata.number("embedding_scale", 1.0),
        "residual_multiplier": metadata.number("residual_scale", 1.0),
        "logits_scaling": metadata.number("logit_scale"),
    }


ARCHITECTURES = (
    Architecture(name="llama", describe=_describe_llama, tensors=_REORDERED + _EXPERTS),
    Architecture(name="mistral3", describe=_describe_mistral3, tensors=_REORDERED),
    Architecture(name="smollm3", describe=_describe_smollm3, tensors=_REORDERED),
    Architecture(name="granite", describe=_describe_granite, tensors=_REORDERED),
)
