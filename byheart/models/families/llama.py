"""Llama 1 to 3.3, and the many models that share its `model_type`."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {"max_position_embeddings": 2048, "rms_norm_eps": 1e-6}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("is_llama_config",)


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: llama` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    biases = read_biases(fields)
    rope = read_rope(fields, shape["max_positions"])
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**shape, attention=(Attention(rope=rope),), biases=biases)


def read_biases(fields: Fields) -> frozenset[str]:
    """The projections that have a bias, by `attention_bias` and `mlp_bias`."""
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    biases += fields.boolean("mlp_bias", default=False) * ("gate", "up", "down")
    return frozenset(biases)


_ATTENTION, _MLP = "model.layers.{layer}.self_attn.", "model.layers.{layer}.mlp."

SOURCES = {
    "embed": "model.embed_tokens.weight",
    "final_norm": "model.norm.weight",
    "head": "lm_head.weight",
    "attention_norm": "model.layers.{layer}.input_layernorm.weight",
    "query": _ATTENTION + "q_proj.weight",
    "key": _ATTENTION + "k_proj.weight",
    "value": _ATTENTION + "v_proj.weight",
    "output": _ATTENTION + "o_proj.weight",
    "query_bias": _ATTENTION + "q_proj.bias",
    "key_bias": _ATTENTION + "k_proj.bias",
    "value_bias": _ATTENTION + "v_proj.bias",
    "output_bias": _ATTENTION + "o_proj.bias",
    "mlp_norm": "model.layers.{layer}.post_attention_layernorm.weight",
    "gate": _MLP + "gate_proj.weight",
    "up": _MLP + "up_proj.weight",
    "down": _MLP + "down_proj.weight",
    "gate_bias": _MLP + "gate_proj.bias",
    "up_bias": _MLP + "up_proj.bias",
    "down_bias": _MLP + "down_proj.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="llama", parse_config=parse_config, sources=SOURCES)
