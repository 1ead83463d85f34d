"""GPT-NeoX and Pythia: layer norms, attention and MLP in parallel, an MLP without a gate, partly rotated heads."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import choose_rope_object, parse_rope
from byheart.models.families.shape import allow_alike_layers, read_shape
from byheart.models.parameters import Source, fuse_by_head

DEFAULTS = {
    "attention_bias": True,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 2048,
    "rotary_emb_base": 10_000.0,
    "rotary_pct": 0.25,
    "use_parallel_residual": True,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gpt_neox` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="layer_norm_eps")
    fields.require("num_key_value_heads", shape["heads"])
    fields.require("head_dim", shape["embed"] // shape["heads"])
    theta, share = fields.number("rotary_emb_base"), fields.number("rotary_pct")
    rope = parse_rope(
        choose_rope_object(fields),
        fields.where,
        theta=theta,
        max_positions=shape["max_positions"],
        share=share,
    )
    fields.require("rope_theta", rope.theta)
    fields.require("partial_rotary_factor", rope.share)
    attention = fields.boolean("attention_bias") * ("query", "key", "value", "output")
    parallel = fields.boolean("use_parallel_residual")
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        norm="layer",
        norm_bias=True,
        parallel=parallel,
        biases=frozenset((*attention, "up", "down")),
        gated=False,
    )


_LAYER = "gpt_neox.layers.{layer}."
_QUERY_KEY_VALUE = _LAYER + "attention.query_key_value."


SOURCES: dict[str, Source] = {
    "embed": "gpt_neox.embed_in.weight",
    "final_norm": "gpt_neox.final_layer_norm.weight",
    "final_norm_bias": "gpt_neox.final_layer_norm.bias",
    "head": "embed_out.weight",
    "attention_norm": _LAYER + "input_layernorm.weight",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    **fuse_by_head(_QUERY_KEY_VALUE + "weight", "query", "key", "value"),
    **fuse_by_head(_QUERY_KEY_VALUE + "bias", "query_bias", "key_bias", "value_bias"),
    "output": _LAYER + "attention.dense.weight",
    "output_bias": _LAYER + "attention.dense.bias",
    "mlp_norm": _LAYER + "post_attention_layernorm.weight",
    "mlp_norm_bias": _LAYER + "post_attention_layernorm.bias",
    "up": _LAYER + "mlp.dense_h_to_4h.weight",
    "up_bias": _LAYER + "mlp.dense_h_to_4h.bias",
    "down": _LAYER + "mlp.dense_4h_to_h.weight",
    "down_bias": _LAYER + "mlp.dense_4h_to_h.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="gpt_neox", parse_config=parse_config, sources=SOURCES)
