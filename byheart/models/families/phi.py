"""Phi-1 to Phi-2: one layer norm for attention and MLP side by side, partly rotated heads, biases everywhere."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_partial_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "hidden_act": "gelu_new",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 2048,
    "num_attention_heads": 32,
    "num_hidden_layers": 24,
    "partial_rotary_factor": 0.5,
    "qk_layernorm": False,
    "vocab_size": 51_200,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: phi` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="layer_norm_eps")
    fields.require("head_dim", shape["embed"] // shape["heads"])
    rope = read_partial_rope(fields, shape["max_positions"])
    normed = fields.boolean("qk_layernorm") * ("query_norm", "key_norm")
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        norm="layer",
        norm_bias=True,
        parallel=True,
        shared_norm=True,
        biases=frozenset(("query", "key", "value", "output", "up", "down", "head", *normed)),
        query_key_norm="head" if normed else None,
        gated=False,
    )


_LAYER = "model.layers.{layer}."

SOURCES = llama.SOURCES | {
    "final_norm": "model.final_layernorm.weight",
    "final_norm_bias": "model.final_layernorm.bias",
    "head_bias": "lm_head.bias",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    "query_norm": _LAYER + "self_attn.q_layernorm.weight",
    "query_norm_bias": _LAYER + "self_attn.q_layernorm.bias",
    "key_norm": _LAYER + "self_attn.k_layernorm.weight",
    "key_norm_bias": _LAYER + "self_attn.k_layernorm.bias",
    "output": _LAYER + "self_attn.dense.weight",
    "output_bias": _LAYER + "self_attn.dense.bias",
    "up": _LAYER + "mlp.fc1.weight",
    "up_bias": _LAYER + "mlp.fc1.bias",
    "down": _LAYER + "mlp.fc2.weight",
    "down_bias": _LAYER + "mlp.fc2.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="phi", parse_config=parse_config, sources=SOURCES)
