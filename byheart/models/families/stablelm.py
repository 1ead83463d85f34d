"""StableLM: Llama with layer norms and partly rotated heads; some with one norm for attention and MLP side by side, and
with norms of queries and keys whose weights each head has for itself.
"""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_partial_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 32,
    "partial_rotary_factor": 0.25,
    "qk_layernorm": False,
    "use_parallel_residual": False,
    "use_qkv_bias": False,
    "vocab_size": 50_304,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: stablelm` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="layer_norm_eps")
    fields.require("head_dim", shape["embed"] // shape["heads"])
    rope = read_partial_rope(fields, shape["max_positions"])
    biases = fields.boolean("use_qkv_bias") * ("query", "key", "value")
    parallel = fields.boolean("use_parallel_residual")
    norm = "own" if fields.boolean("qk_layernorm") else None
    allow_alike_layers(fields, shape)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        norm="layer",
        norm_bias=True,
        parallel=parallel,
        shared_norm=parallel,
        biases=frozenset(biases),
        query_key_norm=norm,
    )


_LAYER = "model.layers.{layer}."

SOURCES = llama.SOURCES | {
    "final_norm_bias": "model.norm.bias",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    "query_norm": _LAYER + "self_attn.q_layernorm.norms.{head}.weight",
    "key_norm": _LAYER + "self_attn.k_layernorm.norms.{head}.weight",
    "mlp_norm_bias": _LAYER + "post_attention_layernorm.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="stablelm", parse_config=parse_config, sources=SOURCES)
