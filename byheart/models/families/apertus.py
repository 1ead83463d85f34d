"""Apertus: an MLP without a gate whose activation has learned two numbers, and queries and keys normed head by head."""

from typing import Any

from byheart.models.activations import ACTIVATIONS
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import qwen3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {"hidden_act": "xielu", "max_position_embeddings": 65_536, "rms_norm_eps": 1e-5}
"""What transformers takes for a field that is missing."""
ROPE: dict[str, Any] = {
    "factor": 8.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_theta": 12_000_000.0,
    "rope_type": "llama3",
}
"""The rotary embedding where config.json describes none."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: apertus` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, activations=ACTIVATIONS)
    fields.require("partial_rotary_factor", 1.0)
    rope = parse_rope(
        choose_rope_object(fields) or ROPE,
        fields.where,
        theta=fields.number("rope_theta", default=ROPE["rope_theta"]),
        max_positions=shape["max_positions"],
    )
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    fields.require("qk_norm", True)
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape, attention=(Attention(rope=rope),), biases=frozenset(biases), query_key_norm="head", gated=False
    )


_LAYER = "model.layers.{layer}."

SOURCES = {name: source for name, source in qwen3.SOURCES.items() if not name.startswith("gate")} | {
    "attention_norm": _LAYER + "attention_layernorm.weight",
    "mlp_norm": _LAYER + "feedforward_layernorm.weight",
    "alpha_positive": _LAYER + "mlp.act_fn.alpha_p",
    "alpha_negative": _LAYER + "mlp.act_fn.alpha_n",
}
"""The tensor of the checkpoint that holds each parameter. `beta` and `eps`, beside the alphas, are constants of the
activation."""

FAMILY = Family(model_type="apertus", parse_config=parse_config, sources=SOURCES)
