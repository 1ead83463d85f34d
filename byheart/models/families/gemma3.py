"""Gemma 3, alone or inside the multimodal model: Gemma 2 with queries and keys normed head by head, five sliding layers
to one full one, and a rotary embedding of its own for each of the two kinds.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import gemma2, qwen3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_ropes_by_kind
from byheart.models.families.shape import FULL, SLIDING, build_layer_attention, read_layer_types

DEFAULTS = {
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "max_position_embeddings": 131_072,
    "num_attention_heads": 8,
    "num_hidden_layers": 26,
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-6,
    "rope_local_base_freq": 10_000.0,
    "rope_theta": 1_000_000.0,
    "sliding_window": 4096,
    "sliding_window_pattern": 6,
    "tie_word_embeddings": True,
    "vocab_size": 262_208,
}
"""What transformers takes for a field that is missing; the larger models' published files have few of these."""

WITHOUT_EFFECT = (*gemma2.WITHOUT_EFFECT, "_sliding_window_pattern")
"""Transformers writes `_sliding_window_pattern` beside `layer_types`, and does not read it."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gemma3_text` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = gemma2.read_features(fields)
    fields.require("attn_logit_softcapping", "null")  # transformers reads it, and does not apply it
    types = read_layer_types(fields, shape["layers"], every=fields.integer("sliding_window_pattern"))
    thetas = {FULL: fields.number("rope_theta"), SLIDING: fields.number("rope_local_base_freq")}
    ropes = read_ropes_by_kind(fields, shape["max_positions"], thetas)
    attention = build_layer_attention(types, ropes[FULL], fields.integer_or_none("sliding_window"), ropes[SLIDING])
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(**shape, attention=attention, query_key_norm="head")


def parse_text_config(config: dict[str, Any]) -> DecoderConfig:
    """The text decoder inside the multimodal model that a `model_type: gemma3` config.json describes."""
    return parse_config(Fields(config).object("text_config"))


SOURCES = gemma2.SOURCES | {name: qwen3.SOURCES[name] for name in ("query_norm", "key_norm")}
"""The tensor of the checkpoint that holds each parameter."""

TEXT_ONLY = Family(model_type="gemma3_text", parse_config=parse_config, sources=SOURCES, needs_bos=True)

MULTIMODAL = Family(
    model_type="gemma3",
    parse_config=parse_text_config,
    sources={name: f"language_model.{source}" for name, source in SOURCES.items()},
    needs_bos=True,
)
"""The text decoder inside the multimodal model."""
