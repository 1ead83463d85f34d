"""OLMoE: Llama with experts, and a norm over all queries and all keys of a token."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.experts import Experts
from byheart.models.families import qwen3_moe
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import MOST_EXPERTS, allow_alike_layers, read_shape

DEFAULTS = {
    "intermediate_size": 2048,
    "max_position_embeddings": 4096,
    "norm_topk_prob": False,
    "num_experts": 64,
    "num_experts_per_tok": 8,
    "rms_norm_eps": 1e-5,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: olmoe` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    fields.require("head_dim", shape["embed"] // shape["heads"])
    rope = read_rope(fields, shape["max_positions"])
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    clip = fields.number_or_none("clip_qkv")
    experts = Experts(
        count=fields.integer("num_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=shape["ffn"],
        normalized=fields.boolean("norm_topk_prob"),
    )
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields(*qwen3_moe.WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        biases=frozenset(biases),
        query_key_norm="width",
        query_key_value_clip=clip,
        experts=experts,
    )


FAMILY = Family(
    model_type="olmoe",
    parse_config=parse_config,
    sources=qwen3_moe.SOURCES,
    other_sources=qwen3_moe.JOINED_EXPERTS,
)
