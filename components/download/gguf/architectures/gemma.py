"""Gemma 2 and Gemma 3, whose norms add one to their weights. Source: llama.cpp's conversion/gemma.py, and
src/models/gemma2.cpp and gemma3.cpp, which have the scale of attention and the order of layers.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    EMBED,
    MLP,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_layer_types,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, less_one, once
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_GEMMA2_27B, _GEMMA3_27B = 46, 62
"""Layers of the models whose attention is scaled by the size of embeddings, and not by that of heads."""
_NORMS = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_MODEL = (*once({EMBED: "model.embed_tokens.weight"}), Made("model.norm.weight", ("output_norm.weight",), less_one))


def _read(metadata: Metadata, *, large: int) -> dict[str, Any]:
    require_whole_heads(metadata)
    by_embed = metadata.layers == large
    return read_sizes(metadata) | {
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": has_bias(metadata, "attn_q"),
        "query_pre_attn_scalar": metadata.embed // metadata.heads if by_embed else metadata.head_dim,
    }


def _describe_gemma2(metadata: Metadata) -> dict[str, Any]:
    return {
        **_read(metadata, large=_GEMMA2_27B),
        **read_rope(metadata),
        "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2",
        "attn_logit_softcapping": metadata.number("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": metadata.number("final_logit_softcapping", 30.0),
        "sliding_window": metadata.integer("attention.sliding_window", 4096),
        "layer_types": read_layer_types(metadata, every=2),
    }


def _describe_gemma3(metadata: Metadata) -> dict[str, Any]:
    window = metadata.integer("attention.sliding_window")
    return {
        **_read(metadata, large=_GEMMA3_27B),
        **read_rope(metadata),
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "final_logit_softcapping": metadata.number_or_none("final_logit_softcapping"),
        "rope_local_base_freq": metadata.number("rope.freq_base_swa", 10_000.0),
        "sliding_window": window,
        "layer_types": read_layer_types(metadata, every=6),
    }


_GEMMA2 = _MODEL + both(ATTENTION | MLP) + both(_NORMS, by=less_one)

ARCHITECTURES = (
    Architecture(name="gemma2", describe=_describe_gemma2, tensors=_GEMMA2),
    Architecture(name="gemma3", describe=_describe_gemma3, tensors=_GEMMA2 + both(QUERY_KEY_NORMS, by=less_one)),
)
