"""SmolLM3: Llama, where every fourth layer rotates nothing."""

import dataclasses
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import FULL, SLIDING, build_layer_attention, read_shape

DEFAULTS = {
    "max_position_embeddings": 32_768,
    "no_rope_layer_interval": 4,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: smollm3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope, layers = read_rope(fields, shape["max_positions"], theta=2e6), shape["layers"]
    every = fields.integer("no_rope_layer_interval")
    rotates = fields.value("no_rope_layers", [int((layer + 1) % every != 0) for layer in range(layers)])
    if not isinstance(rotates, list) or len(rotates) < layers or any(flag not in (0, 1) for flag in rotates):
        raise ModelError(
            f"config.json must have a 0 or 1 for each of {layers} layers as no_rope_layers, found others: the file is "
            "broken"
        )
    slides, width = fields.boolean("use_sliding_window", default=False), fields.integer_or_none("sliding_window")
    window = width if slides else None
    types = fields.words("layer_types", (FULL, SLIDING))
    types = types or tuple(SLIDING if window and not rotates[layer] else FULL for layer in range(layers))
    sliding = build_layer_attention(types, rope, window)
    attention = tuple(
        dataclasses.replace(kind, rope=rope if layer < layers and rotates[layer] else None)
        for layer, kind in enumerate(sliding)
    )
    biases = llama.read_biases(fields)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=attention, biases=biases)


FAMILY = Family(model_type="smollm3", parse_config=parse_config, sources=llama.SOURCES)
