"""OLMo 2, OLMo 3 and OLMoE. Source: llama.cpp's conversion/olmo.py, and src/models/olmo2.cpp and olmoe.cpp."""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    LAYER,
    MLP,
    MODEL,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_layer_types,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import both
from byheart.components.download.gguf.architectures.qwen import EXPERTS, read_expert_sizes
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_AFTER = {"post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm"}
AFTER_NORMED = MODEL + both(ATTENTION | MLP | QUERY_KEY_NORMS | _AFTER)
"""The tensors of models whose norms come after attention and MLP."""


def _describe_olmo2(metadata: Metadata) -> dict[str, Any]:
    """With a sliding window it is OLMo 3, whose sliding layers have an unscaled rotary embedding."""
    require_whole_heads(metadata)
    config = read_sizes(metadata) | {"hidden_act": "silu", "attention_bias": has_bias(metadata, "attn_q")}
    rope, window = read_rope(metadata), metadata.integer("attention.sliding_window", 0, least=0)
    if not window:
        return config | rope | {"architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2"}
    theta = rope["rope_theta"]
    sliding_theta = metadata.number("rope.freq_base_swa", theta)
    return config | {
        "architectures": ["Olmo3ForCausalLM"],
        "model_type": "olmo3",
        "sliding_window": window,
        "layer_types": read_layer_types(metadata, every=4),
        "rope_parameters": {
            "full_attention": {"rope_type": "default"} | (rope["rope_scaling"] or {}) | {"rope_theta": theta},
            "sliding_attention": {"rope_type": "default", "rope_theta": sliding_theta},
        },
    }


def _describe_olmoe(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    sizes = read_expert_sizes(metadata)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "num_experts": sizes["num_experts"],
        "num_experts_per_tok": sizes["num_experts_per_tok"],
        "architectures": ["OlmoeForCausalLM"],
        "model_type": "olmoe",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "intermediate_size": sizes["moe_intermediate_size"],
        "norm_topk_prob": False,
    }


ARCHITECTURES = (
    Architecture(name="olmo2", describe=_describe_olmo2, tensors=AFTER_NORMED),
    Architecture(name="olmoe", describe=_describe_olmoe, tensors=MODEL + both(LAYER | QUERY_KEY_NORMS) + EXPERTS),
)
