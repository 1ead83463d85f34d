"""Qwen3.5, alone or inside the multimodal model: Qwen3-Next's layers with an MLP, or with experts in all layers."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import qwen2_moe, qwen3_moe, qwen3_next
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.shape import MOST_EXPERTS
from byheart.models.parameters import Fused, Source

DEFAULTS = qwen3_next.ATTENTION_DEFAULTS | {
    "hidden_size": 4096,
    "intermediate_size": 12_288,
    "num_attention_heads": 16,
    "num_hidden_layers": 32,
    "num_key_value_heads": 4,
    "vocab_size": 248_320,
}
EXPERT_DEFAULTS = DEFAULTS | {
    "hidden_size": 2048,
    "intermediate_size": 512,
    "moe_intermediate_size": 512,
    "num_experts": 256,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 40,
    "num_key_value_heads": 2,
    "shared_expert_intermediate_size": 512,
}
"""What transformers takes for a field that is missing."""
_FOR_PICTURES = ("mrope_interleaved", "mrope_section")
WITHOUT_EFFECT = (*qwen3_moe.WITHOUT_EFFECT, "mamba_ssm_dtype", "mtp_num_hidden_layers", "mtp_use_dedicated_embeddings")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen3_5_text` config.json describes."""
    fields = Fields(DEFAULTS | config)
    fields.allow("attn_output_gate", lambda gated: gated is True)
    features = qwen3_next.read_features(fields, _FOR_PICTURES)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**features)


def parse_expert_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: qwen3_5_moe_text` config.json describes."""
    fields = Fields(EXPERT_DEFAULTS | config)
    fields.allow("attn_output_gate", lambda gated: gated is True)
    features = qwen3_next.read_features(fields, _FOR_PICTURES)
    experts = Experts(
        count=fields.integer("num_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=fields.integer("moe_intermediate_size"),
        shared_ffn=fields.integer("shared_expert_intermediate_size"),
        shared_gate=True,
    )
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**features, experts=experts)


_LINEAR = "model.layers.{layer}.linear_attn."
_QUERY_KEY_VALUE = Fused(tensor=_LINEAR + "in_proj_qkv.weight", names=("linear_query", "linear_key", "linear_value"))

SOURCES: dict[str, Source] = {
    **qwen3_next.ATTENTION_SOURCES,
    **dict.fromkeys(_QUERY_KEY_VALUE.names, _QUERY_KEY_VALUE),
    "linear_gate": _LINEAR + "in_proj_z.weight",
    "linear_beta": _LINEAR + "in_proj_b.weight",
    "linear_decay": _LINEAR + "in_proj_a.weight",
}
EXPERT_SOURCES = SOURCES | qwen3_moe.EXPERT_SOURCES | qwen2_moe.SHARED_SOURCES
"""The tensor of the checkpoint that holds each parameter."""

TEXT_ONLY = Family(model_type="qwen3_5_text", parse_config=parse_config, sources=SOURCES)
MULTIMODAL = Family(
    model_type="qwen3_5",
    parse_config=lambda config: parse_config(Fields(config).object("text_config")),
    sources=SOURCES,
)
"""The text decoder inside the multimodal model."""
EXPERTS_TEXT_ONLY = Family(
    model_type="qwen3_5_moe_text",
    parse_config=parse_expert_config,
    sources=EXPERT_SOURCES,
    other_sources=qwen3_moe.JOINED_EXPERTS,
)
EXPERTS_MULTIMODAL = Family(
    model_type="qwen3_5_moe",
    parse_config=lambda config: parse_expert_config(Fields(config).object("text_config")),
    sources=EXPERT_SOURCES,
    other_sources=qwen3_moe.JOINED_EXPERTS,
)
