"""Granite 3: Llama, with factors of embeddings, attention, outputs and logits."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = llama.DEFAULTS | {
    "attention_multiplier": 1.0,
    "embedding_multiplier": 1.0,
    "logits_scaling": 1.0,
    "residual_multiplier": 1.0,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: granite` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    biases, rope = llama.read_biases(fields), read_rope(fields, shape["max_positions"])
    scales: dict[str, Any] = {
        "attention_scale": fields.number("attention_multiplier"),
        "embed_scale": fields.number("embedding_multiplier"),
        "logit_scale": 1 / fields.number("logits_scaling"),
        "residual_scale": fields.number("residual_multiplier"),
    }
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, **scales, attention=(Attention(rope=rope),), biases=biases)


FAMILY = Family(model_type="granite", parse_config=parse_config, sources=llama.SOURCES)
