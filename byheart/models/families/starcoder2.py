"""StarCoder2: layer norms, biases everywhere, an MLP without a gate, a sliding window in all layers."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import allow_alike_layers, read_shape

DEFAULTS = {
    "hidden_act": "gelu_pytorch_tanh",
    "hidden_size": 3072,
    "intermediate_size": 12_288,
    "max_position_embeddings": 4096,
    "norm_epsilon": 1e-5,
    "num_attention_heads": 24,
    "num_hidden_layers": 30,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
    "use_bias": True,
    "vocab_size": 49_152,
}
"""What transformers takes for a field that is missing."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: starcoder2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields, epsilon="norm_epsilon")
    fields.require("mlp_type", "default")  # every published file that has them says so
    fields.require("norm_type", "layer_norm")
    biases = fields.boolean("use_bias") * ("query", "key", "value", "output", "up", "down")
    window = fields.integer_or_none("sliding_window")
    rope = read_rope(fields, shape["max_positions"])
    allow_alike_layers(fields, shape, window)
    fields.refuse_unknown_fields()
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope, window=window),),
        norm="layer",
        norm_bias=True,
        biases=frozenset(biases),
        gated=False,
    )


_LAYER = "model.layers.{layer}."

SOURCES = llama.SOURCES | {
    "final_norm_bias": "model.norm.bias",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    "mlp_norm_bias": _LAYER + "post_attention_layernorm.bias",
    "up": _LAYER + "mlp.c_fc.weight",
    "up_bias": _LAYER + "mlp.c_fc.bias",
    "down": _LAYER + "mlp.c_proj.weight",
    "down_bias": _LAYER + "mlp.c_proj.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="starcoder2", parse_config=parse_config, sources=SOURCES)
