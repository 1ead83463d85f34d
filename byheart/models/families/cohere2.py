"""Command R7B and Command A: attention and MLP side by side after one layer norm without bias, and full layers that
rotate nothing.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import build_layer_attention, read_layer_types, read_shape

DEFAULTS = {
    "layer_norm_eps": 1e-5,
    "logit_scale": 0.0625,
    "max_position_embeddings": 8192,
    "sliding_window": 4096,
    "sliding_window_pattern": 4,
    "tie_word_embeddings": True,
}
"""What transformers takes for a field that is missing."""
ALWAYS: dict[str, str | float] = {
    "order_of_interleaved_layers": "local_attn_first",
    "position_embedding_type": "rope_gptj",
    "rotary_pct": 1.0,
    "use_embedding_sharing": True,
    "use_gated_activation": True,
    "use_parallel_block": True,
    "use_parallel_embedding": True,
}
"""Fields that transformers does not read, and what every published file says."""
WITHOUT_EFFECT = ("_sliding_window_pattern", "layer_switch")
"""Periods of layers beside `layer_types` or `sliding_window_pattern`, which transformers does not read."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: cohere2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="layer_norm_eps")
    fields.require("head_dim", shape["embed"] // shape["heads"])
    types = read_layer_types(fields, shape["layers"], every=fields.integer("sliding_window_pattern"))
    rope = read_rope(fields, shape["max_positions"])
    attention = build_layer_attention(types, None, fields.integer_or_none("sliding_window"), rope)
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    logit_scale = fields.number("logit_scale")
    for name, value in ALWAYS.items():
        fields.require(name, value)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=attention,
        norm="layer",
        parallel=True,
        shared_norm=True,
        biases=frozenset(biases),
        rope_interleaved=True,
        logit_scale=logit_scale,
    )


SOURCES = {name: source for name, source in llama.SOURCES.items() if name != "mlp_norm"}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="cohere2", parse_config=parse_config, sources=SOURCES)
