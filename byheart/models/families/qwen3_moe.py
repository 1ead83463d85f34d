"""Qwen3 with experts: Qwen3, where a router chooses a few of many MLPs for each token."""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import qwen3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import MOST_EXPERTS, allow_alike_layers, read_shape
from byheart.models.parameters import Fused, Source

DEFAULTS = {
    "decoder_sparse_step": 1,
    "intermediate_size": 6144,
    "max_position_embeddings": 32_768,
    "moe_intermediate_size": 768,
    "norm_topk_prob": False,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("output_router_logits", "router_aux_loss_coef")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen3_moe` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    width = fields.integer_or_none("sliding_window")
    window = width if fields.boolean("use_sliding_window", default=False) else None
    rope = read_rope(fields, shape["max_positions"])
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    experts = read_experts(fields, shape)
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope, window=window),),
        biases=frozenset(biases),
        query_key_norm="head",
        experts=experts,
    )


def read_experts(fields: Fields, shape: dict[str, Any], **features: Any) -> Experts | None:
    """The experts of Qwen's families: in each `decoder_sparse_step`-th layer, but not in `mlp_only_layers`.

    Args:
        features: those that a family has besides.
    """
    layers = range(shape["layers"])
    every, dense = fields.integer("decoder_sparse_step"), fields.value("mlp_only_layers", default=[])
    if not isinstance(dense, list) or any(type(layer) is not int for layer in dense):
        raise ModelError(
            f"{fields.where} must have a list of layers as mlp_only_layers, found {quote(dense)}: the file is broken"
        )
    routed = tuple(layer for layer in layers if (layer + 1) % every == 0 and layer not in set(dense))
    experts = Experts(
        count=fields.integer("num_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=fields.integer("moe_intermediate_size"),
        layers=None if len(routed) == len(layers) else routed,
        normalized=fields.boolean("norm_topk_prob"),
        **features,
    )
    return experts if routed else None


_MLP = "model.layers.{layer}.mlp."
_GATE_UP = Fused(tensor=_MLP + "experts.gate_up_proj", names=("expert_gate", "expert_up"))

EXPERT_SOURCES = {
    "router": _MLP + "gate.weight",
    "expert_gate": _MLP + "experts.{expert}.gate_proj.weight",
    "expert_up": _MLP + "experts.{expert}.up_proj.weight",
    "expert_down": _MLP + "experts.{expert}.down_proj.weight",
}
"""The tensors of experts that have a tensor each."""
JOINED_EXPERTS: dict[str, Source] = {
    **dict.fromkeys(_GATE_UP.names, _GATE_UP),
    "expert_down": _MLP + "experts.down_proj",
}
"""Those of experts that share one."""
SOURCES = qwen3.SOURCES | EXPERT_SOURCES
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="qwen3_moe", parse_config=parse_config, sources=SOURCES, other_sources=JOINED_EXPERTS)
