"""DeepSeek V2: V3's latent attention, and experts that are chosen by a softmax, within groups or among all."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import deepseek_v3, glm4_moe, qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.shape import allow_alike_layers

DEFAULTS = {
    "first_k_dense_replace": 0,
    "intermediate_size": 11_008,
    "kv_lora_rank": 512,
    "max_position_embeddings": 2048,
    "moe_intermediate_size": 1407,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "rms_norm_eps": 1e-6,
    "routed_scaling_factor": 1.0,
    "topk_method": "greedy",
    "v_head_dim": 128,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: deepseek_v2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    features = deepseek_v3.read_latent_attention(fields)
    fields.require("moe_layer_freq", 1)
    fields.require("scoring_func", "softmax")
    fields.require("norm_topk_prob", False)  # transformers does not apply it, DeepSeek's own code does
    method = fields.word("topk_method", ("greedy", "group_limited_greedy"), default="greedy")
    groups, best = fields.integer_or_none("n_group"), fields.integer_or_none("topk_group")
    limited = {"groups": groups, "groups_per_token": best} if method == "group_limited_greedy" else {}
    experts = glm4_moe.read_experts(fields, features, normalized=False, **limited)
    mlp_bias = fields.boolean("mlp_bias", default=False) * ("gate", "up", "down")
    biases = [f"{prefix}{name}" for prefix in ("", "shared_") for name in mlp_bias]
    allow_alike_layers(fields, features)
    fields.refuse_unknown_fields(*deepseek_v3.WITHOUT_EFFECT, "n_group", "topk_group")
    features |= {"biases": features["biases"] | set(biases)}
    return DecoderConfig(**features, rope_interleaved=True, experts=experts)


_SHARED = "model.layers.{layer}.mlp.shared_experts."

SOURCES = (
    deepseek_v3.LATENT_SOURCES
    | glm4_moe.EXPERT_SOURCES
    | {f"shared_{name}_bias": f"{_SHARED}{name}_proj.bias" for name in ("gate", "up", "down")}
)
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(
    model_type="deepseek_v2", parse_config=parse_config, sources=SOURCES, other_sources=qwen3_moe.JOINED_EXPERTS
)
