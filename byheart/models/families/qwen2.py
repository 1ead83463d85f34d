"""Qwen2 and Qwen2.5: Llama with biases on queries, keys and values; upper layers may have a sliding window."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import FULL, SLIDING, build_layer_attention, read_shape

DEFAULTS = {
    "max_position_embeddings": 32_768,
    "max_window_layers": 28,
    "num_key_value_heads": 32,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    attention = read_attention(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=attention, biases=frozenset(("query", "key", "value")))


def read_attention(fields: Fields, shape: dict[str, Any]) -> tuple[Attention, ...]:
    """The attention of each layer.

    `layer_types` says which layers slide; where it is missing, all from `max_window_layers` on do.
    """
    slides, width = fields.boolean("use_sliding_window", default=False), fields.integer_or_none("sliding_window")
    window = width if slides else None
    full = fields.integer("max_window_layers", default=shape["layers"], least=0)
    types = fields.words("layer_types", (FULL, SLIDING))
    if types is None:
        types = tuple(SLIDING if window and layer >= full else FULL for layer in range(shape["layers"]))
    return build_layer_attention(types, read_rope(fields, shape["max_positions"]), window)


FAMILY = Family(model_type="qwen2", parse_config=parse_config, sources=llama.SOURCES)
