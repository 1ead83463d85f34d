"""DeepSeek V3 and its relatives: latent attention, and GLM-4.5's experts.

Its published weights are FP8, with a scale for each block of 128 times 128.
"""

import math
from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import glm4_moe, llama, qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape
from byheart.models.latent import LatentAttention
from byheart.models.parameters import Source

DEFAULTS = {
    "first_k_dense_replace": 3,
    "intermediate_size": 18_432,
    "kv_lora_rank": 512,
    "max_position_embeddings": 4096,
    "moe_intermediate_size": 2048,
    "n_group": 8,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "num_experts_per_tok": 8,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "rms_norm_eps": 1e-6,
    "rope_interleave": True,
    "routed_scaling_factor": 2.5,
    "topk_group": 4,
    "v_head_dim": 128,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = (*glm4_moe.WITHOUT_EFFECT, "aux_loss_alpha", "ep_size", "seq_aux")
_LATENT_EPSILON = 1e-6
"""Of the norms of latent vectors, whatever config.json says, as in transformers."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: deepseek_v3` config.json describes."""
    fields = Fields(DEFAULTS | config)
    features = read_latent_attention(fields)
    for name, value in (("moe_layer_freq", 1), ("scoring_func", "sigmoid"), ("topk_method", "noaux_tc")):
        fields.require(name, value)
    experts = glm4_moe.read_corrected_experts(fields, features)
    interleaved = fields.boolean("rope_interleave")
    allow_alike_layers(fields, features)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**features, rope_interleaved=interleaved, experts=experts)


def read_latent_attention(fields: Fields) -> dict[str, Any]:
    """The sizes of a decoder with latent attention and its attention, as arguments of DecoderConfig."""
    shape = read_shape(fields)
    fields.require("num_key_value_heads", shape["heads"])
    latent = LatentAttention(
        rank=fields.integer("kv_lora_rank"),
        query_rank=fields.integer_or_none("q_lora_rank"),
        rope_dim=fields.integer("qk_rope_head_dim"),
        value_dim=fields.integer("v_head_dim"),
        norm_epsilon=_LATENT_EPSILON,
    )
    head_dim = fields.integer("qk_nope_head_dim") + latent.rope_dim
    rope = read_rope(fields, shape["max_positions"])
    scale = head_dim**-0.5
    stretch = Fields(choose_rope_object(fields), f"{fields.where}, rope").number_or_none("mscale_all_dim")
    if rope.scaling and stretch and rope.factor > 1:
        scale *= (0.1 * stretch * math.log(rope.factor) + 1) ** 2
    projections = ("key_value_down", "output") if latent.query_rank is None else _PROJECTIONS
    biases = fields.boolean("attention_bias", default=False) * projections
    return shape | {
        "kv_heads": shape["heads"],
        "head_dim": head_dim,
        "attention": (Attention(rope=rope),),
        "latent": latent,
        "attention_scale": scale,
        "biases": frozenset(biases),
    }


_PROJECTIONS = ("query_down", "key_value_down", "output")
_ATTENTION = "model.layers.{layer}.self_attn."

LATENT_SOURCES: dict[str, Source] = {
    **llama.SOURCES,
    "query_down": _ATTENTION + "q_a_proj.weight",
    "query_down_bias": _ATTENTION + "q_a_proj.bias",
    "query_down_norm": _ATTENTION + "q_a_layernorm.weight",
    "query_up": _ATTENTION + "q_b_proj.weight",
    "key_value_down": _ATTENTION + "kv_a_proj_with_mqa.weight",
    "key_value_down_bias": _ATTENTION + "kv_a_proj_with_mqa.bias",
    "key_value_down_norm": _ATTENTION + "kv_a_layernorm.weight",
    "key_value_up": _ATTENTION + "kv_b_proj.weight",
}
"""The tensors of latent attention, and Llama's."""
SOURCES = LATENT_SOURCES | glm4_moe.EXPERT_SOURCES
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(
    model_type="deepseek_v3", parse_config=parse_config, sources=SOURCES, other_sources=qwen3_moe.JOINED_EXPERTS
)
