"""Qwen3-Next: three layers of linear attention to one of gated attention, and Qwen2's shared expert."""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import qwen2_moe, qwen3, qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import FULL, read_shape
from byheart.models.linear import LinearAttention
from byheart.models.parameters import Source, fuse_by_head

LINEAR = "linear_attention"
ATTENTION_DEFAULTS = {
    "full_attention_interval": 4,
    "head_dim": 256,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_value_head_dim": 128,
    "max_position_embeddings": 32_768,
    "partial_rotary_factor": 0.25,
    "rms_norm_eps": 1e-6,
}
DEFAULTS = ATTENTION_DEFAULTS | {
    "decoder_sparse_step": 1,
    "intermediate_size": 5632,
    "moe_intermediate_size": 512,
    "norm_topk_prob": True,
    "num_experts": 512,
    "num_experts_per_tok": 10,
    "num_key_value_heads": 2,
    "shared_expert_intermediate_size": 512,
}
"""What transformers takes for a field that is missing."""
_MOST_KERNEL = 1000


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen3_next` config.json describes."""
    fields = Fields(DEFAULTS | config)
    features = read_features(fields)
    shared = fields.integer("shared_expert_intermediate_size")
    experts = qwen3_moe.read_experts(fields, features, shared_ffn=shared, shared_gate=True)
    fields.refuse_unknown_fields(*qwen3_moe.WITHOUT_EFFECT)
    return DecoderConfig(**features, experts=experts)


def read_features(fields: Fields, mrope: tuple[str, ...] = ()) -> dict[str, Any]:
    """The sizes of a decoder with linear attention and what its layers have, as arguments of DecoderConfig.

    Args:
        mrope: fields of the rotary embedding that only matter for pictures.
    """
    shape = read_shape(fields)
    every, layers = fields.integer("full_attention_interval"), range(shape["layers"])
    types = fields.words("layer_types", (LINEAR, FULL))
    types = types or tuple(LINEAR if (layer + 1) % every else FULL for layer in layers)
    if len(types) != len(layers):
        raise ModelError(
            f"{fields.where} must give a layer type for each of {len(layers)} layers, found {len(types)}: the file is "
            "broken"
        )
    linear = LinearAttention(
        layers=tuple(layer for layer in layers if types[layer] == LINEAR),
        key_heads=fields.integer("linear_num_key_heads"),
        value_heads=fields.integer("linear_num_value_heads"),
        head_dim=fields.integer("linear_key_head_dim"),
        kernel=fields.integer("linear_conv_kernel_dim", most=_MOST_KERNEL),
    )
    fields.require("linear_value_head_dim", linear.head_dim)
    if linear.value_heads % linear.key_heads:
        raise ModelError(
            f"{fields.where} must have linear_num_value_heads that are a multiple of linear_num_key_heads, found "
            f"{linear.value_heads} and {linear.key_heads}: the file is broken"
        )
    values = {name: value for name, value in choose_rope_object(fields).items() if name not in mrope}
    rope = parse_rope(
        values,
        fields.where,
        theta=fields.number("rope_theta", default=10_000.0),
        max_positions=shape["max_positions"],
        share=fields.number("partial_rotary_factor"),
    )
    biases = fields.boolean("attention_bias", default=False) * ("query", "query_gate", "key", "value", "output")
    return shape | {
        "attention": (Attention(rope=rope),),
        "biases": frozenset(biases),
        "linear": linear if linear.layers else None,
        "norm_offset": 1.0,
        "output_gate": True,
        "query_key_norm": "head",
    }


_ATTENTION, _LINEAR = "model.layers.{layer}.self_attn.", "model.layers.{layer}.linear_attn."


ATTENTION_SOURCES: dict[str, Source] = {
    **qwen3.SOURCES,
    **fuse_by_head(_ATTENTION + "q_proj.weight", "query", "query_gate"),
    **fuse_by_head(_ATTENTION + "q_proj.bias", "query_bias", "query_gate_bias"),
    "linear_kernel": _LINEAR + "conv1d.weight",
    "linear_rate": _LINEAR + "A_log",
    "linear_step": _LINEAR + "dt_bias",
    "linear_norm": _LINEAR + "norm.weight",
    "linear_output": _LINEAR + "out_proj.weight",
}
"""The tensors of gated attention, and those of linear attention that have a tensor each."""
SOURCES: dict[str, Source] = {
    **ATTENTION_SOURCES,
    **fuse_by_head(_LINEAR + "in_proj_qkvz.weight", "linear_query", "linear_key", "linear_value", "linear_gate"),
    **fuse_by_head(_LINEAR + "in_proj_ba.weight", "linear_beta", "linear_decay"),
    **qwen3_moe.EXPERT_SOURCES,
    **qwen2_moe.SHARED_SOURCES,
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(
    model_type="qwen3_next", parse_config=parse_config, sources=SOURCES, other_sources=qwen3_moe.JOINED_EXPERTS
)
