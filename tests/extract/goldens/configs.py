"""The small models that the goldens of every family but Llama are made of: among them, every feature is switched on.

Windows are shorter than the 100 tokens, caps are low enough to bend the scores, and rotary factors change every
frequency. Both layouts of rotary parameters are there, the older one with `torch_dtype`.
"""

from typing import Any

SIZES: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "torch_dtype": "bfloat16",
}
NEW: dict[str, Any] = {"torch_dtype": None, "dtype": "bfloat16"}
SHORT, LONG = [1.0, 1.1, 1.3, 1.7], [1.0, 2.0, 4.0, 9.0]
VISION: dict[str, Any] = {
    "model_type": "siglip_vision_model",
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "image_size": 28,
    "patch_size": 14,
}

CONFIGS: dict[str, dict[str, Any]] = {
    "mistral_sliding_new": {
        "model_type": "mistral",
        "head_dim": 12,
        "sliding_window": 17,
        "rope_parameters": {"rope_type": "default", "rope_theta": 321.0},
        "tie_word_embeddings": True,
    }
    | NEW,
    "mistral_yarn_old": {
        "model_type": "mistral",
        "hidden_act": "gelu",
        "rms_norm_eps": 0.01,
        "sliding_window": None,
        "rope_theta": 500.0,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    },
    "qwen2_upper_layers_slide_old": {
        "model_type": "qwen2",
        "num_hidden_layers": 3,
        "use_sliding_window": True,
        "sliding_window": 13,
        "max_window_layers": 1,
        "rope_theta": 1000.0,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
        "tie_word_embeddings": True,
    },
    "qwen2_layer_types_new": {
        "model_type": "qwen2",
        "use_sliding_window": True,
        "sliding_window": 21,
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 200.0},
    }
    | NEW,
    "qwen3_dynamic_bias_old": {
        "model_type": "qwen3",
        "head_dim": 16,
        "attention_bias": True,
        "rope_theta": 300.0,
        "rope_scaling": {"rope_type": "dynamic", "factor": 3.0},
    },
    "qwen3_yarn_sliding_new": {
        "model_type": "qwen3",
        "num_key_value_heads": 1,
        "head_dim": 12,
        "num_hidden_layers": 3,
        "use_sliding_window": True,
        "sliding_window": 10,
        "max_window_layers": 2,
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 100.0,
            "factor": 8.0,
            "original_max_position_embeddings": 32,
            "beta_fast": 4.0,
            "beta_slow": 0.5,
            "mscale": 2.0,
            "mscale_all_dim": 0.5,
            "truncate": False,
        },
        "tie_word_embeddings": True,
    }
    | NEW,
    "gpt_neox_parallel_old": {
        "model_type": "gpt_neox",
        "num_key_value_heads": None,
        "num_attention_heads": 2,
        "layer_norm_eps": 0.01,
        "rotary_pct": 0.25,
        "rotary_emb_base": 50,
        "use_parallel_residual": True,
    },
    "gpt_neox_sequential_new": {
        "model_type": "gpt_neox",
        "num_key_value_heads": None,
        "hidden_act": "gelu_fast",
        "attention_bias": False,
        "use_parallel_residual": False,
        "rope_parameters": {
            "rope_type": "linear",
            "factor": 2.0,
            "rope_theta": 70.0,
            "partial_rotary_factor": 0.5,
        },
    }
    | NEW,
    "gemma2_caps_old": {
        "model_type": "gemma2",
        "num_hidden_layers": 3,
        "head_dim": 12,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 5,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 4.0,
        "sliding_window": 9,
        "rope_theta": 400.0,
    },
    "gemma2_layer_types_new": {
        "model_type": "gemma2",
        "head_dim": 8,
        "hidden_activation": "silu",
        "attention_bias": True,
        "query_pre_attn_scalar": 8,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
        "sliding_window": 15,
        "layer_types": ["full_attention", "sliding_attention"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 90.0},
        "tie_word_embeddings": False,
    }
    | NEW,
    "phi3_short_factors_old": {
        "model_type": "phi3",
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 2048,
        "original_max_position_embeddings": 256,
        "partial_rotary_factor": 0.5,
        "sliding_window": 23,
        "rope_theta": 60.0,
        "rope_scaling": {"type": "longrope", "short_factor": SHORT, "long_factor": LONG},
    },
    "phi3_long_factors_new": {
        "model_type": "phi3",
        "original_max_position_embeddings": 64,  # shorter than the input
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 60.0,
            "short_factor": SHORT,
            "long_factor": LONG,
            "attention_factor": 1.3,
        },
        "tie_word_embeddings": True,
    }
    | NEW,
    "gemma3_two_bases_old": {
        "model_type": "gemma3_text",
        "num_hidden_layers": 3,
        "head_dim": 12,
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 7,
        "sliding_window": 11,
        "sliding_window_pattern": 3,
        "rope_theta": 5000.0,
        "rope_local_base_freq": 40.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    },
    "gemma3_layer_types_new": {
        "model_type": "gemma3_text",
        "head_dim": 8,
        "attention_bias": True,
        "query_pre_attn_scalar": 8,
        "final_logit_softcapping": 5.0,
        "sliding_window": 19,
        "layer_types": ["full_attention", "sliding_attention"],
        "rope_parameters": {
            "full_attention": {
                "rope_type": "llama3",
                "rope_theta": 2000.0,
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
            "sliding_attention": {"rope_type": "default", "rope_theta": 30.0},
        },
        "tie_word_embeddings": False,
    }
    | NEW,
    "olmo2_old": {
        "model_type": "olmo2",
        "num_attention_heads": 6,
        "num_key_value_heads": 3,
        "hidden_size": 24,
        "rms_norm_eps": 0.01,
        "rope_theta": 150.0,
    },
    "olmo2_bias_llama3_new": {
        "model_type": "olmo2",
        "attention_bias": True,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 1000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
        "tie_word_embeddings": True,
    }
    | NEW,
    "mixtral_old": {
        "model_type": "mixtral",
        "intermediate_size": 24,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "sliding_window": None,
        "rope_theta": 250.0,
    },
    "mixtral_sliding_new": {
        "model_type": "mixtral",
        "intermediate_size": 16,
        "num_local_experts": 5,
        "num_experts_per_tok": 3,
        "sliding_window": 14,
        "rope_parameters": {"rope_type": "default", "rope_theta": 80.0},
        "tie_word_embeddings": True,
    }
    | NEW,
}
CONFIGS = {name: SIZES | config for name, config in CONFIGS.items()}
CONFIGS["gemma3_that_sees"] = {
    "model_type": "gemma3",
    "text_config": {key: value for key, value in CONFIGS["gemma3_two_bases_old"].items() if key != "torch_dtype"},
    "vision_config": VISION,
    "mm_tokens_per_image": 1,
    "torch_dtype": "bfloat16",
}
"""Each model's config.json; its weights are bfloat16."""
