"""Llama 1 to 3.3, and the many models that share its `model_type`."""

from typing import Any

from components.models.decoder_config import DecoderConfig
from components.models.families.fields import Fields


def decoder_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: llama` config.json describes."""
    fields = Fields(config)
    fields.must_be("hidden_act", "silu")
    embed, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    return DecoderConfig(
        vocab=fields.integer("vocab_size"),
        embed=embed,
        layers=fields.integer("num_hidden_layers"),
        heads=heads,
        kv_heads=fields.integer("num_key_value_heads", default=heads),
        head_dim=fields.integer("head_dim", default=embed // max(heads, 1)),
        ffn=fields.integer("intermediate_size"),
        norm_epsilon=fields.number("rms_norm_eps", default=1e-6),
        rope=fields.rope(),
        max_positions=fields.integer("max_position_embeddings", default=2048),
        tied_head=fields.boolean("tie_word_embeddings", default=False),
        attention_bias=fields.boolean("attention_bias", default=False),
        mlp_bias=fields.boolean("mlp_bias", default=False),
    )


_ATTENTION, _MLP = "model.layers.{layer}.self_attn.", "model.layers.{layer}.mlp."

SOURCES = {
    "embed": "model.embed_tokens.weight",
    "final_norm": "model.norm.weight",
    "head": "lm_head.weight",
    "attention_norm": "model.layers.{layer}.input_layernorm.weight",
    "query": _ATTENTION + "q_proj.weight",
    "key": _ATTENTION + "k_proj.weight",
    "value": _ATTENTION + "v_proj.weight",
    "output": _ATTENTION + "o_proj.weight",
    "query_bias": _ATTENTION + "q_proj.bias",
    "key_bias": _ATTENTION + "k_proj.bias",
    "value_bias": _ATTENTION + "v_proj.bias",
    "output_bias": _ATTENTION + "o_proj.bias",
    "mlp_norm": "model.layers.{layer}.post_attention_layernorm.weight",
    "gate": _MLP + "gate_proj.weight",
    "up": _MLP + "up_proj.weight",
    "down": _MLP + "down_proj.weight",
    "gate_bias": _MLP + "gate_proj.bias",
    "up_bias": _MLP + "up_proj.bias",
    "down_bias": _MLP + "down_proj.bias",
}
"""Where the checkpoint keeps each of the decoder's parameters."""
