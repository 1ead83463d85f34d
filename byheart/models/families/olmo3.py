"""OLMo 3: OLMo 2, where three of four layers slide; the scaling of rotary frequencies is that of full layers alone."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import olmo2
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_ropes_by_kind
from byheart.models.families.shape import FULL, SLIDING, build_layer_attention, read_layer_types, read_shape

DEFAULTS = {"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "sliding_window": 4096}
"""What transformers takes for a field that is missing."""
THETA = 500_000.0


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: olmo3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    types = read_layer_types(fields, shape["layers"], every=4)
    sliding = Fields(fields.object("rope_parameters")).object(SLIDING)
    if sliding.get("rope_theta") is None:  # transformers then takes its default for sliding layers, and vLLM rope_theta
        fields.require("rope_theta", THETA)
    thetas = {FULL: fields.number("rope_theta", default=THETA), SLIDING: THETA}
    ropes = read_ropes_by_kind(fields, shape["max_positions"], thetas)
    attention = build_layer_attention(types, ropes[FULL], fields.integer_or_none("sliding_window"), ropes[SLIDING])
    features = olmo2.read_features(fields)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, **features, attention=attention)


FAMILY = Family(model_type="olmo3", parse_config=parse_config, sources=olmo2.SOURCES)
