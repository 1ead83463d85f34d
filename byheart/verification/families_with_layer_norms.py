"""The families with layer norms that are named as GPT's or after it, for the reference decoder: a row each."""

from byheart.verification.family import Family
from byheart.verification.layer_kinds import slide_if_there_is_a_window

_GPT_NAMES = {
    "activation_function": "hidden_act",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
}

LAYER_NORMS: dict[str, Family] = {
    "gpt_neox": Family(
        defaults={
            "attention_bias": True,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 2048,
            "rotary_emb_base": 10_000.0,
            "rotary_pct": 0.25,
            "use_parallel_residual": True,
        },
        norm_bias=True,
        mlp_bias=True,
    ),
    "gpt2": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 768,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 1024,
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "tie_word_embeddings": True,
            "vocab_size": 50_257,
        },
        other_names=_GPT_NAMES,
        find_unrotated=lambda fields: [*range(fields["num_hidden_layers"])],
    ),
    "gptj": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 4096,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 2048,
            "num_attention_heads": 16,
            "num_hidden_layers": 28,
            "rotary_dim": 64,
            "vocab_size": 50_400,
        },
        other_names=_GPT_NAMES,
        interleaved=True,
    ),
    "falcon": Family(
        defaults={
            "hidden_act": "gelu",
            "hidden_size": 4544,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 2048,
            "multi_query": True,
            "new_decoder_architecture": False,
            "num_attention_heads": 71,
            "num_hidden_layers": 32,
            "parallel_attn": True,
            "tie_word_embeddings": True,
            "vocab_size": 65_024,
        },
        other_names={"activation": "hidden_act", "num_kv_heads": "num_key_value_heads"},
    ),
    "starcoder2": Family(
        defaults={
            "hidden_act": "gelu_pytorch_tanh",
            "hidden_size": 3072,
            "max_position_embeddings": 4096,
            "norm_epsilon": 1e-5,
            "num_attention_heads": 24,
            "num_hidden_layers": 30,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "vocab_size": 49_152,
        },
        list_layer_kinds=slide_if_there_is_a_window,
    ),
    "stablelm": Family(
        defaults={
            "hidden_size": 2560,
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 4096,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "partial_rotary_factor": 0.25,
            "use_parallel_residual": False,
            "vocab_size": 50_304,
        },
    ),
    "nemotron": Family(
        defaults={
            "hidden_act": "relu2",
            "hidden_size": 6144,
            "max_position_embeddings": 4096,
            "norm_eps": 1e-5,
            "num_attention_heads": 48,
            "num_hidden_layers": 32,
            "partial_rotary_factor": 0.5,
            "vocab_size": 256_000,
        },
    ),
    "phi": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 2048,
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 2048,
            "num_attention_heads": 32,
            "num_hidden_layers": 24,
            "partial_rotary_factor": 0.5,
            "vocab_size": 51_200,
        },
    ),
}
"""By model_type."""
