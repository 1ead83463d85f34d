"""GLM-4 (0414): norms before and after attention and MLP, and half of each head rotated, in interleaved pairs."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama, phi3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_partial_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "attention_bias": True,
    "head_dim": 128,
    "max_position_embeddings": 131_072,
    "num_key_value_heads": 2,
    "partial_rotary_factor": 0.5,
    "rms_norm_eps": 1.5625e-7,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: glm4` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = read_partial_rope(fields, shape["max_positions"])
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value")
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        biases=frozenset(biases),
        post_norm=True,
        rope_interleaved=True,
    )


_LAYER = "model.layers.{layer}."

SOURCES = (
    llama.SOURCES
    | {name: phi3.SOURCES[name] for name in ("gate", "up")}
    | {
        "attention_post_norm": _LAYER + "post_self_attn_layernorm.weight",
        "mlp_post_norm": _LAYER + "post_mlp_layernorm.weight",
    }
)
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="glm4", parse_config=parse_config, sources=SOURCES)
