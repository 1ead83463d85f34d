"""Qwen3: queries and keys are normed head by head, and biases are optional."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import llama, qwen2
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.shape import read_shape

DEFAULTS = qwen2.DEFAULTS | {"head_dim": 128}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    attention = qwen2.read_attention(fields, shape)
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=attention, biases=frozenset(biases), query_key_norm="head")


_ATTENTION = "model.layers.{layer}.self_attn."

SOURCES = llama.SOURCES | {"query_norm": _ATTENTION + "q_norm.weight", "key_norm": _ATTENTION + "k_norm.weight"}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="qwen3", parse_config=parse_config, sources=SOURCES)
