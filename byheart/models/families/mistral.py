"""Mistral: Llama, where all layers may have a sliding window."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "max_position_embeddings": 131_072,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: mistral` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = read_rope(fields, shape["max_positions"])
    window = fields.integer_or_none("sliding_window")
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=(Attention(rope=rope, window=window),))


FAMILY = Family(model_type="mistral", parse_config=parse_config, sources=llama.SOURCES)
