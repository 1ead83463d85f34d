"""Nemotron and Minitron: layer norms of weight 1 + w, partly rotated heads, squared ReLU without a gate."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_partial_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "attention_bias": False,
    "hidden_act": "relu2",
    "hidden_size": 6144,
    "intermediate_size": 24_576,
    "max_position_embeddings": 4096,
    "mlp_bias": False,
    "norm_eps": 1e-5,
    "num_attention_heads": 48,
    "num_hidden_layers": 32,
    "partial_rotary_factor": 0.5,
    "vocab_size": 256_000,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: nemotron` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="norm_eps")
    rope = read_partial_rope(fields, shape["max_positions"])
    fields.require("kv_channels", shape["head_dim"])  # older names, which transformers does not read
    fields.require("rope_percent", rope.share)
    fields.require("rope_percentage", rope.share)
    biases = fields.boolean("attention_bias") * ("query", "key", "value", "output")
    biases += fields.boolean("mlp_bias") * ("up", "down")
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        norm="layer",
        norm_bias=True,
        norm_offset=1.0,
        biases=frozenset(biases),
        gated=False,
    )


_LAYER = "model.layers.{layer}."

SOURCES = llama.SOURCES | {
    "final_norm_bias": "model.norm.bias",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    "mlp_norm_bias": _LAYER + "post_attention_layernorm.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="nemotron", parse_config=parse_config, sources=SOURCES)
