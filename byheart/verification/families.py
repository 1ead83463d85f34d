"""What each family that the reference decoder computes has of its own: a row each.

It repeats what `byheart.models` knows, and shares no code with it: an error in one of the two shows as a difference.
Source: the configuration and modeling files of Hugging Face transformers.
"""

import dataclasses

from byheart.verification.families_with_experts import EXPERTS
from byheart.verification.families_with_layer_norms import LAYER_NORMS
from byheart.verification.family import Family
from byheart.verification.layer_kinds import (
    Fields,
    find_full,
    find_no_rope_layers,
    slide_but_in_each_nth,
    slide_if_there_is_a_window,
    slide_in_upper_layers,
    slide_without_rotation,
)

_GEMMA: Fields = {
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "tie_word_embeddings": True,
}
_GEMMA_2 = Family(
    defaults=_GEMMA
    | {
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "max_position_embeddings": 8192,
        "sliding_window_pattern": 2,
    },
    list_layer_kinds=slide_but_in_each_nth,
    before=("input_layernorm", "pre_feedforward_layernorm"),
    after=("post_attention_layernorm", "post_feedforward_layernorm"),
    is_gemma=True,
    activation="hidden_activation",
)
_AFTER_ONLY = Family(
    defaults={"max_position_embeddings": 2048, "rms_norm_eps": 1e-5},
    before=("", ""),
    after=("post_attention_layernorm", "post_feedforward_layernorm"),
    query_key_norms=("q_norm", "k_norm"),
)
_QWEN: Fields = {"max_position_embeddings": 32_768, "num_key_value_heads": 32, "sliding_window": 4096}

FAMILIES: dict[str, Family] = {
    **EXPERTS,
    **LAYER_NORMS,
    "llama": Family(defaults={"max_position_embeddings": 2048}, mlp_bias="mlp_bias"),
    "mistral": Family(
        defaults={"max_position_embeddings": 131_072, "num_key_value_heads": 8, "sliding_window": 4096},
        list_layer_kinds=slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "qwen2": Family(
        defaults=_QWEN, list_layer_kinds=slide_in_upper_layers, query_key_value_bias=True, output_bias=False
    ),
    "qwen3": Family(
        defaults=_QWEN | {"head_dim": 128},
        list_layer_kinds=slide_in_upper_layers,
        query_key_norms=("q_norm", "k_norm"),
    ),
    "phi3": Family(
        defaults={
            "max_position_embeddings": 4096,
            "original_max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
        },
        list_layer_kinds=slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "olmo2": dataclasses.replace(_AFTER_ONLY, normed_together=True),
    "olmo3": dataclasses.replace(
        _AFTER_ONLY,
        defaults=_AFTER_ONLY.defaults | {"rope_theta": 5e5, "sliding_window": 4096, "sliding_window_pattern": 4},
        list_layer_kinds=slide_but_in_each_nth,
        ropes_by_kind=True,
        normed_together=True,
    ),
    "exaone4": dataclasses.replace(
        _AFTER_ONLY,
        defaults=_AFTER_ONLY.defaults
        | {"num_key_value_heads": 32, "sliding_window": 4096, "sliding_window_pattern": 4},
        list_layer_kinds=slide_but_in_each_nth,
        find_unrotated=find_full,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "smollm3": Family(
        defaults={
            "max_position_embeddings": 32_768,
            "num_key_value_heads": 4,
            "rope_theta": 2e6,
            "tie_word_embeddings": True,
        },
        list_layer_kinds=slide_without_rotation,
        find_unrotated=find_no_rope_layers,
        mlp_bias="mlp_bias",
    ),
    "apertus": Family(
        defaults={"hidden_act": "xielu", "max_position_embeddings": 65_536, "rms_norm_eps": 1e-5, "rope_theta": 12e6},
        before=("attention_layernorm", "feedforward_layernorm"),
        query_key_norms=("q_norm", "k_norm"),
        gated=False,
        rope={
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192,
            "rope_theta": 12e6,
            "rope_type": "llama3",
        },
    ),
    "ministral3": Family(
        defaults={
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-5,
        },
        list_layer_kinds=slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
        rope={
            "factor": 16.0,
            "llama_4_scaling_beta": 0.1,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "original_max_position_embeddings": 16_384,
            "rope_theta": 1e6,
            "rope_type": "yarn",
        },
    ),
    "seed_oss": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 128,
            "max_position_embeddings": 524_288,
            "num_key_value_heads": 8,
        },
        output_bias="attention_out_bias",
        mlp_bias="mlp_bias",
    ),
    "glm4": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 128,
            "max_position_embeddings": 131_072,
            "num_key_value_heads": 2,
            "partial_rotary_factor": 0.5,
            "rms_norm_eps": 1.5625e-7,
        },
        after=("post_self_attn_layernorm", "post_mlp_layernorm"),
        interleaved=True,
        output_bias=False,
    ),
    "granite": Family(defaults={"attention_multiplier": 1.0, "max_position_embeddings": 2048}, mlp_bias="mlp_bias"),
    "cohere2": Family(
        defaults={
            "layer_norm_eps": 1e-5,
            "logit_scale": 0.0625,
            "max_position_embeddings": 8192,
            "sliding_window": 4096,
            "sliding_window_pattern": 4,
            "tie_word_embeddings": True,
            "use_parallel_block": True,
        },
        list_layer_kinds=slide_but_in_each_nth,
        find_unrotated=find_full,
        interleaved=True,
        before=("input_layernorm", ""),
    ),
    "hunyuan_v1_dense": Family(
        defaults={"max_position_embeddings": 2048, "rms_norm_eps": 1e-5},
        query_key_norms=("query_layernorm", "key_layernorm"),
        normed_after_rotation=True,
    ),
    "vaultgemma": dataclasses.replace(_GEMMA_2, after=("", "")),
    "gemma2": _GEMMA_2,
    "gemma3_text": dataclasses.replace(
        _GEMMA_2,
        defaults=_GEMMA
        | {
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "max_position_embeddings": 131_072,
            "num_attention_heads": 8,
            "num_hidden_layers": 26,
            "rope_local_base_freq": 1e4,
            "rope_theta": 1e6,
            "sliding_window_pattern": 6,
            "vocab_size": 262_208,
        },
        ropes_by_kind=True,
        sliding_base="rope_local_base_freq",
        query_key_norms=("q_norm", "k_norm"),
    ),
}
"""By model_type."""
LATENT, CHUNKED, LINEAR = "multi-head latent attention", "attention in chunks", "layers of linear attention"
TRANSFORMERS_ALONE = {
    **dict.fromkeys(("deepseek_v2", "deepseek_v3"), LATENT),
    **dict.fromkeys(("llama4", "llama4_text"), CHUNKED),
    **dict.fromkeys(("qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"), LINEAR),
}
"""Families that the engine computes and the reference decoder does not, and the feature that it would have to have."""
