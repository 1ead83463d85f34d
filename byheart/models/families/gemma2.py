"""Gemma 2: norms of weight 1 + w before and after attention and MLP, capped scores and logits, every other layer
sliding.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import build_layer_attention, read_layer_types, read_shape

DEFAULTS = {
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 8192,
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
    "tie_word_embeddings": True,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("hidden_act", "sliding_window_size")
"""Transformers reads `hidden_activation` and `sliding_window` instead."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gemma2` config.json describes."""
    return parse_decoder(config)


def parse_decoder(config: dict[str, Any], *, post_norm: bool = True) -> DecoderConfig:
    """The decoder of Gemma 2, or of a model that is described as it is.

    Args:
        post_norm: whether attention and MLP are followed by norms.
    """
    fields = Fields(DEFAULTS | config)
    shape = read_features(fields) | {"post_norm": post_norm}
    types = read_layer_types(fields, shape["layers"], every=2)
    rope = read_rope(fields, shape["max_positions"])
    attention = build_layer_attention(types, rope, fields.integer_or_none("sliding_window"))
    softcap = fields.number_or_none("attn_logit_softcapping")
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**shape, attention=attention, attention_softcap=softcap)


def read_features(fields: Fields) -> dict[str, Any]:
    """The arguments of DecoderConfig that Gemma 2 and Gemma 3 read in the same way."""
    shape = read_shape(fields, activation="hidden_activation")
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    return shape | {
        "norm_offset": 1.0,
        "post_norm": True,
        "biases": frozenset(biases),
        "attention_scale": fields.number("query_pre_attn_scalar") ** -0.5,
        "final_softcap": fields.number_or_none("final_logit_softcapping"),
        "embed_scale": shape["embed"] ** 0.5,
    }


_LAYER = "model.layers.{layer}."

SOURCES = llama.SOURCES | {
    "attention_post_norm": _LAYER + "post_attention_layernorm.weight",
    "mlp_norm": _LAYER + "pre_feedforward_layernorm.weight",
    "mlp_post_norm": _LAYER + "post_feedforward_layernorm.weight",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="gemma2", parse_config=parse_config, sources=SOURCES, needs_bos=True)
