"""Phi-3, Phi-3.5 and Phi-4: queries, keys and values in one tensor, gate and up in another, partly rotated heads."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import allow_alike_layers, read_shape
from byheart.models.parameters import Fused

DEFAULTS = {
    "max_position_embeddings": 4096,
    "original_max_position_embeddings": 4096,
    "partial_rotary_factor": 1.0,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
}
"""What transformers takes for a field that is missing."""
SCALINGS = {"default": "default", "longrope": "longrope", "su": "longrope", "yarn": "longrope"}
"""What each rope type means; older files have other names for longrope."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: phi3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = parse_rope(
        choose_rope_object(fields),
        fields.where,
        theta=fields.number("rope_theta"),
        max_positions=shape["max_positions"],
        original_positions=fields.integer("original_max_position_embeddings"),
        share=fields.number("partial_rotary_factor"),
        scalings=SCALINGS,
    )
    window = fields.integer_or_none("sliding_window")
    for name in ("full_attn_mod", "interpolate_factor"):  # every published file that has them says 1
        fields.require(name, 1)
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, attention=(Attention(rope=rope, window=window),))


_LAYER = "model.layers.{layer}."
_QUERY_KEY_VALUE = Fused(tensor=_LAYER + "self_attn.qkv_proj.weight", names=("query", "key", "value"))
_GATE_UP = Fused(tensor=_LAYER + "mlp.gate_up_proj.weight", names=("gate", "up"))

SOURCES = (
    llama.SOURCES | dict.fromkeys(_QUERY_KEY_VALUE.names, _QUERY_KEY_VALUE) | dict.fromkeys(_GATE_UP.names, _GATE_UP)
)
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="phi3", parse_config=parse_config, sources=SOURCES)
