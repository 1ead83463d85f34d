"""Gemma 3, of text alone and inside the model that also sees: Gemma 2 with queries and keys normed head by head, five
sliding layers to one, and a rotary embedding for each of the two.
"""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import gemma2, qwen3
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import rope_of
from byheart.models.families.shape import FULL, SLIDING, layer_attention

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
"""What transformers takes for a field that is missing; the published files of the larger models give few of them."""

WITHOUT_EFFECT = (*gemma2.WITHOUT_EFFECT, "_sliding_window_pattern")
"""Transformers writes the last beside `layer_types`, and does not read it."""


def decoder_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gemma3_text` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = gemma2.read_features(fields)
    fields.must_be("attn_logit_softcapping", "null")  # transformers reads it, and does not apply it
    every = fields.integer("sliding_window_pattern")
    types = fields.words("layer_types", (FULL, SLIDING))
    types = types or tuple(SLIDING if (layer + 1) % every else FULL for layer in range(shape["layers"]))
    ropes, thetas = _rope_objects(fields), {FULL: "rope_theta", SLIDING: "rope_local_base_freq"}
    full, sliding = (
        rope_of(ropes[kind], f"config.json, {kind}", theta=fields.number(theta), max_positions=shape["max_positions"])
        for kind, theta in thetas.items()
    )
    attention = layer_attention(types, full, fields.integer_or_none("sliding_window"), sliding)
    fields.refuse_what_is_unknown(*WITHOUT_EFFECT)
    return DecoderConfig(**shape, attention=attention, query_key_norm="head")


def text_decoder_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder inside the model that a `model_type: gemma3` config.json describes; images are not looked at."""
    return decoder_config(Fields(config).object("text_config"))


def _rope_objects(fields: Fields) -> dict[str, dict[str, Any]]:
    """By layer type: today's `rope_parameters` have one for each, and the older `rope_scaling` is of full layers."""
    parameters = Fields(fields.object("rope_parameters"), "config.json, rope_parameters")
    objects = {kind: parameters.object(kind) for kind in (FULL, SLIDING)}
    parameters.refuse_what_is_unknown()
    return objects | {FULL: objects[FULL] | fields.object("rope_scaling")}


SOURCES = gemma2.SOURCES | {name: qwen3.SOURCES[name] for name in ("query_norm", "key_norm")}
"""Where the checkpoint keeps each of the decoder's parameters."""

TEXT = Family(model_type="gemma3_text", decoder_config=decoder_config, sources=SOURCES, needs_bos=True)

SEEING = Family(
    model_type="gemma3",
    decoder_config=text_decoder_config,
    sources={name: f"language_model.{source}" for name, source in SOURCES.items()},
    needs_bos=True,
)
"""The text model inside the one that also sees."""
