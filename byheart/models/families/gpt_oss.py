"""gpt-oss: experts with biases and a clamped gate, attention sinks, and sliding layers between full ones.

Its published weights are MXFP4, where experts' matrices are [output, input]; in copies in 16 bits they are transposed.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import FULL, MOST_EXPERTS, SLIDING, build_layer_attention, read_shape
from byheart.models.parameters import Fused, Source

_YARN = {
    "rope_type": "yarn",
    "factor": 32.0,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "truncate": False,
    "original_max_position_embeddings": 4096,
}
DEFAULTS = {
    "attention_bias": True,
    "head_dim": 64,
    "intermediate_size": 2880,
    "max_position_embeddings": 131_072,
    "num_experts_per_tok": 4,
    "num_key_value_heads": 8,
    "num_local_experts": 128,
    "rms_norm_eps": 1e-5,
    "sliding_window": 128,
    "swiglu_alpha": 1.702,
    "swiglu_limit": 7.0,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("experts_per_token", "initial_context_length", "output_router_logits", "router_aux_loss_coef")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gpt_oss` config.json describes."""
    scaled = config.get("rope_scaling") or config.get("rope_parameters")
    fields = Fields(DEFAULTS | config | ({} if scaled else {"rope_parameters": _YARN}))
    shape = read_shape(fields)
    types = fields.words("layer_types", (FULL, SLIDING))
    types = types or tuple(FULL if layer % 2 else SLIDING for layer in range(shape["layers"]))
    rope = read_rope(fields, shape["max_positions"], theta=150_000.0)
    attention = build_layer_attention(types, rope, fields.integer_or_none("sliding_window"))
    biases = fields.boolean("attention_bias") * ("query", "key", "value", "output")
    experts = Experts(
        count=fields.integer("num_local_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=shape["ffn"],
    )
    limit, slope = fields.number("swiglu_limit"), fields.number("swiglu_alpha")
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=attention,
        biases=frozenset((*biases, "router", "expert_gate", "expert_up", "expert_down")),
        attention_sinks=True,
        experts=experts,
        gate_limit=limit,
        gate_slope=slope,
    )


_MLP = "model.layers.{layer}.mlp."
_GATE_UP, _GATE_UP_BIAS = (
    Fused(tensor=f"{_MLP}experts.gate_up_proj{ending}", names=names, by_head=True, transposed=True)
    for ending, names in (
        ("", ("expert_gate", "expert_up")),
        ("_bias", ("expert_gate_bias", "expert_up_bias")),
    )
)

SOURCES: dict[str, Source] = {
    **llama.SOURCES,
    "sinks": "model.layers.{layer}.self_attn.sinks",
    "router": _MLP + "router.weight",
    "router_bias": _MLP + "router.bias",
    **dict.fromkeys(_GATE_UP.names, _GATE_UP),
    **dict.fromkeys(_GATE_UP_BIAS.names, _GATE_UP_BIAS),
    "expert_down": Fused(tensor=_MLP + "experts.down_proj", names=("expert_down",), transposed=True),
    "expert_down_bias": _MLP + "experts.down_proj_bias",
}
"""The tensor of the checkpoint that holds each parameter."""

_BLOCKS = Fused(tensor=f"{_MLP}experts.gate_up_proj_blocks", names=_GATE_UP.names, by_head=True)
MXFP4_SOURCES: dict[str, Source] = {
    **dict.fromkeys(_BLOCKS.names, _BLOCKS),
    "expert_down": _MLP + "experts.down_proj_blocks",
}
"""The tensors of experts that are quantised."""

FAMILY = Family(model_type="gpt_oss", parse_config=parse_config, sources=SOURCES, other_sources=MXFP4_SOURCES)
