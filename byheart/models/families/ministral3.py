"""Ministral 3: Mistral, whose queries grow with their position."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig, QueryGrowth
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "head_dim": 128,
    "max_position_embeddings": 262_144,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-5,
}
"""What transformers takes for a field that is missing."""
ROPE: dict[str, Any] = {
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "factor": 16.0,
    "llama_4_scaling_beta": 0.1,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "original_max_position_embeddings": 16_384,
    "rope_theta": 1_000_000.0,
    "type": "yarn",
}
"""The rotary embedding where config.json describes none."""
_BETA, _INTERVAL = "llama_4_scaling_beta", "original_max_position_embeddings"


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: ministral3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    values = choose_rope_object(fields) or ROPE
    growth = Fields(values, f"{fields.where}, rope")
    beta = growth.number(_BETA) if growth.value(_BETA) else 0.0
    interval = growth.integer(_INTERVAL, default=shape["max_positions"])
    fields.require("partial_rotary_factor", 1.0)
    rope = parse_rope(
        {name: value for name, value in values.items() if name not in (_BETA, "max_position_embeddings")},
        fields.where,
        theta=fields.number("rope_theta", default=10_000.0),
        max_positions=shape["max_positions"],
    )
    window = fields.integer_or_none("sliding_window")
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields()
    attention = Attention(
        rope=rope, window=window, query_growth=QueryGrowth(beta=beta, interval=interval) if beta else None
    )
    return DecoderConfig(**shape, attention=(attention,))


FAMILY = Family(model_type="ministral3", parse_config=parse_config, sources=llama.SOURCES)
