"""Mixtral: Mistral with several MLPs in a layer, of which a router chooses a few for each token."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import MOST_EXPERTS, allow_alike_layers, read_shape

DEFAULTS = {
    "max_position_embeddings": 131_072,
    "num_experts_per_tok": 2,
    "num_key_value_heads": 8,
    "num_local_experts": 8,
    "rms_norm_eps": 1e-5,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("output_router_logits", "router_aux_loss_coef", "router_jitter_noise")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: mixtral` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = read_rope(fields, shape["max_positions"], theta=1e6)
    window = fields.integer_or_none("sliding_window")
    experts, per_token = fields.integer("num_local_experts", most=MOST_EXPERTS), fields.integer("num_experts_per_tok")
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope, window=window),),
        experts=Experts(count=experts, per_token=per_token, ffn=shape["ffn"]),
    )


_MOE = "model.layers.{layer}.block_sparse_moe."

SOURCES = llama.SOURCES | {
    "router": _MOE + "gate.weight",
    "expert_gate": _MOE + "experts.{expert}.w1.weight",
    "expert_up": _MOE + "experts.{expert}.w3.weight",
    "expert_down": _MOE + "experts.{expert}.w2.weight",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="mixtral", parse_config=parse_config, sources=SOURCES)
