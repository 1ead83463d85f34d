"""Hunyuan, the dense ones: queries and keys are rotated first and then normed head by head."""

import dataclasses
from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import allow_alike_layers, read_shape
from byheart.models.rope import Rope

DEFAULTS = {"max_position_embeddings": 2048, "rms_norm_eps": 1e-5}
"""What transformers takes for a field that is missing."""
ALWAYS: dict[str, str | float] = {
    "norm_type": "rms",
    "num_experts": 1,
    "use_qk_norm": True,
    "use_rotary_pos_emb": True,
}
"""Fields that transformers does not read, and what every published file says."""
WITHOUT_EFFECT = (
    "anyres_pooling_size",
    "cla_share_factor",
    "dense_list",
    "mask_init_id",
    "org_vocab_size",
    "pad_id",
    "pool_type",
    "text_end_id",
    "text_start_id",
)
"""Fields of models that see, share caches or have experts, beside those that say that this one does not."""
_NTK = ("alpha", "beta_fast", "beta_slow", "factor", "mscale", "mscale_all_dim")
"""Of these fields of a `dynamic` rotary embedding with an alpha, transformers reads the first one only."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: hunyuan_v1_dense` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    fields.require("attention_head_dim", shape["head_dim"])
    rope = _read_rope(fields, shape)
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    for name, value in ALWAYS.items():
        fields.require(name, value)
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        biases=frozenset(biases),
        query_key_norm="head",
        norm_after_rope=True,
    )


def _read_rope(fields: Fields, shape: dict[str, Any]) -> Rope:
    """The rotary embedding; an alpha multiplies the base by alpha^(E / (E - 2)), where E is head_dim.

    Source of the formula: NTK-aware scaling, bloc97 2023, as in transformers' modeling file.
    """
    values = choose_rope_object(fields)
    fields.require("partial_rotary_factor", 1.0)
    scaled = values.get("alpha") and "dynamic" in (values.get("rope_type"), values.get("type"))
    rope = parse_rope(
        {name: value for name, value in values.items() if name not in _NTK} | {"rope_type": "default"}
        if scaled
        else values,
        fields.where,
        theta=fields.number("rope_theta", default=10_000.0),
        max_positions=shape["max_positions"],
    )
    if not scaled:
        return rope
    alpha, size = Fields(values, f"{fields.where}, rope").number("alpha"), shape["head_dim"]
    return dataclasses.replace(rope, theta=rope.theta * alpha ** (size / max(size - 2, 1)))


_ATTENTION = "model.layers.{layer}.self_attn."

SOURCES = llama.SOURCES | {
    "query_norm": _ATTENTION + "query_layernorm.weight",
    "key_norm": _ATTENTION + "key_layernorm.weight",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="hunyuan_v1_dense", parse_config=parse_config, sources=SOURCES)
