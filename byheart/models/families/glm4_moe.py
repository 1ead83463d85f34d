"""GLM-4.5 and 4.6: experts that are chosen within groups, by sigmoids and a correction; the first layers have none."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import qwen3, qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_partial_rope
from byheart.models.families.shape import MOST_EXPERTS, allow_alike_layers, read_shape
from byheart.models.parameters import Source

DEFAULTS = {
    "first_k_dense_replace": 1,
    "intermediate_size": 10_944,
    "max_position_embeddings": 131_072,
    "moe_intermediate_size": 1408,
    "n_group": 1,
    "n_routed_experts": 128,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "num_experts_per_tok": 8,
    "num_key_value_heads": 8,
    "partial_rotary_factor": 0.5,
    "rms_norm_eps": 1e-5,
    "routed_scaling_factor": 1.0,
    "topk_group": 1,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = (*qwen3_moe.WITHOUT_EFFECT, "num_mtp_layers", "num_nextn_predict_layers")
"""Layers that predict further tokens are left out, as by transformers."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: glm4_moe` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    rope = read_partial_rope(fields, shape["max_positions"])
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value")
    norm = "head" if fields.boolean("use_qk_norm", default=False) else None
    experts = read_corrected_experts(fields, shape)
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        biases=frozenset(biases),
        query_key_norm=norm,
        experts=experts,
    )


def read_corrected_experts(fields: Fields, shape: dict[str, Any]) -> Experts | None:
    """The experts of GLM-4.5 and DeepSeek V3: those of the best groups, by sigmoids with a learned correction."""
    return read_experts(
        fields,
        shape,
        score="sigmoid",
        corrected=True,
        normalized=fields.boolean("norm_topk_prob"),
        groups=fields.integer("n_group"),
        groups_per_token=fields.integer("topk_group"),
        best_of_group=2,
    )


def read_experts(fields: Fields, shape: dict[str, Any], **routing: Any) -> Experts | None:
    """The experts of GLM's and DeepSeek's families: in all layers but the first `first_k_dense_replace`.

    Args:
        routing: how they are chosen.
    """
    dense, ffn = fields.integer("first_k_dense_replace", least=0), fields.integer("moe_intermediate_size")
    routed = tuple(range(dense, shape["layers"]))
    experts = Experts(
        count=fields.integer("n_routed_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=ffn,
        layers=routed if dense else None,
        scale=fields.number("routed_scaling_factor"),
        shared_ffn=ffn * fields.integer("n_shared_experts", most=MOST_EXPERTS),
        **routing,
    )
    return experts if routed else None


_MLP = "model.layers.{layer}.mlp."

EXPERT_SOURCES: dict[str, Source] = {
    **qwen3_moe.EXPERT_SOURCES,
    "router_correction": _MLP + "gate.e_score_correction_bias",
    "shared_gate": _MLP + "shared_experts.gate_proj.weight",
    "shared_up": _MLP + "shared_experts.up_proj.weight",
    "shared_down": _MLP + "shared_experts.down_proj.weight",
}
"""The tensors of experts and of the one that all tokens share."""
SOURCES = qwen3.SOURCES | EXPERT_SOURCES
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(
    model_type="glm4_moe", parse_config=parse_config, sources=SOURCES, other_sources=qwen3_moe.JOINED_EXPERTS
)
