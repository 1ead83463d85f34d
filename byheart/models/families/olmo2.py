"""OLMo 2: norms after attention and MLP instead of before, and a norm over all queries and all keys of a token."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import qwen3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {"max_position_embeddings": 2048, "rms_norm_eps": 1e-5}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: olmo2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = read_rope(fields, shape["max_positions"])
    features = read_features(fields)
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(**shape, **features, attention=(Attention(rope=rope),))


def read_features(fields: Fields) -> dict[str, Any]:
    """The arguments of DecoderConfig that OLMo 2 and OLMo 3 read in the same way."""
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    return {"biases": frozenset(biases), "pre_norm": False, "post_norm": True, "query_key_norm": "width"}


_LAYER = "model.layers.{layer}."

SOURCES = {name: source for name, source in qwen3.SOURCES.items() if name not in ("attention_norm", "mlp_norm")} | {
    "attention_post_norm": _LAYER + "post_attention_layernorm.weight",
    "mlp_post_norm": _LAYER + "post_feedforward_layernorm.weight",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="olmo2", parse_config=parse_config, sources=SOURCES)
