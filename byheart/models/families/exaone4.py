"""EXAONE 4: norms after attention and MLP only, queries and keys normed head by head, and full layers that rotate
nothing where others slide.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import olmo2
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import build_layer_attention, read_layer_types, read_shape

DEFAULTS = {
    "max_position_embeddings": 2048,
    "num_key_value_heads": 32,
    "rms_norm_eps": 1e-5,
    "sliding_window": 4096,
    "sliding_window_pattern": 4,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: exaone4` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    window = fields.integer_or_none("sliding_window")
    if fields.value("layer_types") is None and window is not None:
        types = read_layer_types(fields, shape["layers"], every=fields.integer("sliding_window_pattern"))
    else:  # the pattern may be letters then, such as LLLG, and transformers does not read it
        fields.value("sliding_window_pattern")
        types = read_layer_types(fields, shape["layers"], every=1)
    rope = read_rope(fields, shape["max_positions"])
    attention = build_layer_attention(types, rope if window is None else None, window, rope)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=attention, pre_norm=False, post_norm=True, query_key_norm="head")


FAMILY = Family(model_type="exaone4", parse_config=parse_config, sources=olmo2.SOURCES)
