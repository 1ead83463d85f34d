"""DeepSeek V2 and V3 and GLM-4.5, whose experts are beside one that all tokens share; DeepSeek has latent attention.

Source: llama.cpp's conversion/deepseek.py and glm.py, and src/models/deepseek2.cpp and glm4-moe.cpp.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    LAYER,
    MODEL,
    NORMS,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_expert_counts,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, join_heads, keep
from byheart.components.download.gguf.architectures.qwen import EXPERTS
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share

_SOFTMAX, _SIGMOID = 1, 2
"""How `expert_gating_func` names the scores of a router."""
_CONVERSION = 0.1
"""The factor that DeepSeek's conversion puts before the field, for old readers."""


def _describe_deepseek(metadata: Metadata) -> dict[str, Any]:
    """Newer files have the sizes of latent vectors as `key_length` and `value_length`, and those of heads beside."""
    rope_dim = metadata.integer("rope.dimension_count")
    key_dim = metadata.integer("attention.key_length_mla", metadata.head_dim)
    value_dim = metadata.integer("attention.value_length", metadata.head_dim)
    sizes = read_sizes(metadata, value_dim=value_dim)
    del sizes["head_dim"]
    if key_dim <= rope_dim:
        metadata.gguf.refuse("rotate a part of each head", f"{rope_dim} of {key_dim}", "fetch it again")
    scoring = metadata.integer("expert_gating_func", _SOFTMAX, least=0) or _SOFTMAX
    groups = metadata.integer("expert_group_count", 1)
    config = {
        **sizes,
        **_read_stretched_rope(metadata),
        **_read_experts(metadata),
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_kv_a_mqa"),
        "kv_lora_rank": metadata.integer("attention.kv_lora_rank"),
        "q_lora_rank": metadata.integer("attention.q_lora_rank", 0, least=0) or None,
        "num_key_value_heads": metadata.heads,
        "qk_nope_head_dim": key_dim - rope_dim,
        "qk_rope_head_dim": rope_dim,
        "v_head_dim": metadata.integer("attention.value_length_mla", value_dim),
        "n_group": groups,
        "topk_group": metadata.integer("expert_group_used_count", 1),
        "norm_topk_prob": metadata.boolean("expert_weights_norm", default=False),
    }
    if scoring == _SIGMOID:
        return config | {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3"}
    metadata.require("expert_gating_func", _SOFTMAX)
    return config | {
        "architectures": ["DeepseekV2ForCausalLM"],
        "model_type": "deepseek_v2",
        "mlp_bias": has_bias(metadata, "ffn_up"),
        "topk_method": "group_limited_greedy" if groups > 1 else "greedy",
    }


def _read_stretched_rope(metadata: Metadata) -> dict[str, Any]:
    """GGUF has one of the two scales of YaRN: of published models the other is the same."""
    stretch = metadata.number_or_none("rope.scaling.yarn_log_multiplier")
    scale = None if stretch is None else round(stretch / _CONVERSION, 6)
    return read_rope(metadata, **({} if scale is None else {"mscale": scale, "mscale_all_dim": scale}))


def _read_experts(metadata: Metadata) -> dict[str, Any]:
    return {
        **read_expert_counts(metadata, "n_routed_experts"),
        "first_k_dense_replace": metadata.integer("leading_dense_block_count", 0, least=0),
        "moe_intermediate_size": metadata.integer("expert_feed_forward_length"),
        "n_shared_experts": metadata.integer("expert_shared_count"),
        "routed_scaling_factor": metadata.number("expert_weights_scale", 1.0),
    }


def _describe_glm4_moe(metadata: Metadata) -> dict[str, Any]:
    metadata.require("expert_gating_func", _SIGMOID)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        **_read_experts(metadata),
        "architectures": ["Glm4MoeForCausalLM"],
        "model_type": "glm4_moe",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "n_group": metadata.integer("expert_group_count", 1),
        "topk_group": metadata.integer("expert_group_used_count", 1),
        "norm_topk_prob": metadata.boolean("expert_weights_norm", default=False),
        "partial_rotary_factor": read_share(metadata),
        "use_qk_norm": metadata.has("blk.{layer}.attn_q_norm.weight"),
    }


_LAYER = "model.layers.{layer}."
_EXPERTS = (
    *EXPERTS,
    *both({f"ffn_{part}_shexp": f"mlp.shared_experts.{part}_proj" for part in ("gate", "up", "down")}),
    Made(f"{_LAYER}mlp.gate.e_score_correction_bias", ("blk.{layer}.exp_probs_b.bias",), keep),
)
_LATENT = {
    "attn_q": "self_attn.q_proj",
    "attn_q_a": "self_attn.q_a_proj",
    "attn_q_a_norm": "self_attn.q_a_layernorm",
    "attn_q_b": "self_attn.q_b_proj",
    "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm",
    "attn_kv_b": "self_attn.kv_b_proj",
    "attn_output": "self_attn.o_proj",
}
_MLP = {part: name for part, name in LAYER.items() if part.startswith("ffn_") and part != "ffn_norm"}
_DEEPSEEK = (
    *MODEL,
    *both(NORMS | _LATENT | _MLP),
    Made(
        f"{_LAYER}self_attn.kv_b_proj.weight",
        ("blk.{layer}.attn_k_b.weight", "blk.{layer}.attn_v_b.weight"),
        join_heads,
    ),
    *_EXPERTS,
)
_GLM4_MOE = (
    MODEL
    + both({part: name for part, name in LAYER.items() if part != "ffn_norm"} | QUERY_KEY_NORMS)
    + both({"post_attention_norm": "post_attention_layernorm"})
    + _EXPERTS
)

ARCHITECTURES = (
    Architecture(name="deepseek2", describe=_describe_deepseek, tensors=_DEEPSEEK),
    Architecture(name="glm4moe", describe=_describe_glm4_moe, tensors=_GLM4_MOE),
)
