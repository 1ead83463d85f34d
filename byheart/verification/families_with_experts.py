"""The families whose layers have several MLPs, for the reference decoder: a row each."""

from byheart.verification.experts import Routing, after_the_first, in_every_nth
from byheart.verification.family import Family
from byheart.verification.layer_kinds import (
    Fields,
    slide_but_in_each_nth,
    slide_if_there_is_a_window,
    slide_in_even_lower_layers,
)

_QWEN: Fields = {"max_position_embeddings": 32_768, "num_key_value_heads": 32, "sliding_window": 4096}
_QWEN_EXPERTS = _QWEN | {
    "norm_topk_prob": False,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_key_value_heads": 4,
}

EXPERTS: dict[str, Family] = {
    "mixtral": Family(
        defaults={
            "max_position_embeddings": 131_072,
            "num_experts_per_tok": 2,
            "num_key_value_heads": 8,
            "num_local_experts": 8,
            "rms_norm_eps": 1e-5,
            "rope_theta": 1e6,
        },
        list_layer_kinds=slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
        routing=Routing(
            block="block_sparse_moe.", names=("w1", "w3", "w2"), count="num_local_experts", normalized=True
        ),
    ),
    "qwen3_moe": Family(
        defaults=_QWEN_EXPERTS,
        list_layer_kinds=lambda fields: slide_if_there_is_a_window(
            fields | {"sliding_window": fields.get("use_sliding_window") and fields["sliding_window"]}
        ),
        query_key_norms=("q_norm", "k_norm"),
        routing=Routing(list_layers=in_every_nth),
    ),
    "qwen2_moe": Family(
        defaults=_QWEN_EXPERTS
        | {"max_window_layers": 28, "num_experts": 60, "num_experts_per_tok": 4, "num_key_value_heads": 16}
        | {"qkv_bias": True},
        list_layer_kinds=slide_in_even_lower_layers,
        query_key_value_bias="qkv_bias",
        output_bias=False,
        routing=Routing(list_layers=in_every_nth, shared="shared_expert", shared_gate="shared_expert_gate"),
    ),
    "gpt_oss": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 64,
            "max_position_embeddings": 131_072,
            "num_experts_per_tok": 4,
            "num_key_value_heads": 8,
            "num_local_experts": 128,
            "rms_norm_eps": 1e-5,
            "rope_theta": 150_000.0,
            "sliding_window": 128,
            "sliding_window_pattern": 2,
            "swiglu_alpha": 1.702,
            "swiglu_limit": 7.0,
        },
        list_layer_kinds=slide_but_in_each_nth,
        rope={
            "rope_type": "yarn",
            "factor": 32.0,
            "original_max_position_embeddings": 4096,
            "truncate": False,
        },
        sinks="sinks",
        routing=Routing(router="router", count="num_local_experts", normalized=True),
    ),
    "glm4_moe": Family(
        defaults={
            "first_k_dense_replace": 1,
            "max_position_embeddings": 131_072,
            "n_group": 1,
            "n_routed_experts": 128,
            "norm_topk_prob": True,
            "num_experts_per_tok": 8,
            "num_key_value_heads": 8,
            "partial_rotary_factor": 0.5,
            "rms_norm_eps": 1e-5,
            "topk_group": 1,
        },
        query_key_norms=("q_norm", "k_norm"),
        output_bias=False,
        routing=Routing(list_layers=after_the_first, count="n_routed_experts", sigmoid=True, shared="shared_experts"),
    ),
    "olmoe": Family(
        defaults={"max_position_embeddings": 4096, "num_experts": 64, "num_experts_per_tok": 8, "rms_norm_eps": 1e-5}
        | {"norm_topk_prob": False},
        query_key_norms=("q_norm", "k_norm"),
        normed_together=True,
        routing=Routing(),
    ),
}
"""By model_type."""
