"""Qwen1.5 and Qwen2 with experts: Qwen2, with a router, and an expert that all tokens share behind a gate."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import llama, qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import FULL, SLIDING, build_layer_attention, read_shape

DEFAULTS = qwen3_moe.DEFAULTS | {
    "intermediate_size": 5632,
    "max_window_layers": 28,
    "moe_intermediate_size": 1408,
    "num_experts": 60,
    "num_experts_per_tok": 4,
    "num_key_value_heads": 16,
    "qkv_bias": True,
    "shared_expert_intermediate_size": 5632,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen2_moe` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    width = fields.integer_or_none("sliding_window")
    window = width if fields.boolean("use_sliding_window", default=False) else None
    sliding = fields.integer("max_window_layers", least=0) if window else 0
    types = fields.words("layer_types", (FULL, SLIDING))
    if types is None:
        types = tuple(FULL if layer % 2 or layer >= sliding else SLIDING for layer in range(shape["layers"]))
    attention = build_layer_attention(types, read_rope(fields, shape["max_positions"]), window)
    biases = fields.boolean("qkv_bias") * ("query", "key", "value")
    shared = fields.integer("shared_expert_intermediate_size")
    experts = qwen3_moe.read_experts(fields, shape, shared_ffn=shared, shared_gate=True)
    fields.refuse_unknown_fields(*qwen3_moe.WITHOUT_EFFECT)
    return DecoderConfig(**shape, attention=attention, biases=frozenset(biases), experts=experts)


_MLP = "model.layers.{layer}.mlp."

SHARED_SOURCES = {
    "shared_gate": _MLP + "shared_expert.gate_proj.weight",
    "shared_up": _MLP + "shared_expert.up_proj.weight",
    "shared_down": _MLP + "shared_expert.down_proj.weight",
    "shared_router": _MLP + "shared_expert_gate.weight",
}
"""The tensors of the shared expert."""
SOURCES = llama.SOURCES | qwen3_moe.EXPERT_SOURCES | SHARED_SOURCES
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(
    model_type="qwen2_moe", parse_config=parse_config, sources=SOURCES, other_sources=qwen3_moe.JOINED_EXPERTS
)
