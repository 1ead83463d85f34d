"""Seed-OSS: Llama, with biases on queries, keys and values."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "attention_bias": True,
    "attention_out_bias": False,
    "head_dim": 128,
    "max_position_embeddings": 524_288,
    "mlp_bias": False,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-6,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: seed_oss` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    biases = fields.boolean("attention_bias") * ("query", "key", "value")
    biases += fields.boolean("attention_out_bias") * ("output",)
    biases += fields.boolean("mlp_bias") * ("gate", "up", "down")
    rope = read_rope(fields, shape["max_positions"])
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=(Attention(rope=rope),), biases=frozenset(biases))


FAMILY = Family(model_type="seed_oss", parse_config=parse_config, sources=llama.SOURCES)
