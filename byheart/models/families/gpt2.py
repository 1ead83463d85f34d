"""GPT-2: learned positions instead of rotary embedding, layer norms, an MLP without a gate, transposed matrices."""

from typing import Any

from byheart.models.activations import ACTIVATIONS
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.shape import MOST_LAYERS
from byheart.models.parameters import Fused, Source

DEFAULTS = {
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 1024,
    "scale_attn_by_inverse_layer_idx": False,
    "scale_attn_weights": True,
    "tie_word_embeddings": True,
    "vocab_size": 50_257,
}
"""What transformers takes for a field that is missing."""
OTHER_NAMES = {
    "hidden_size": "n_embd",
    "max_position_embeddings": "n_positions",
    "num_attention_heads": "n_head",
    "num_hidden_layers": "n_layer",
}
"""Names that transformers takes for the family's own."""
WITHOUT_EFFECT = (
    "_num_labels", "n_ctx", "output_past", "predict_special_tokens", "reorder_and_upcast_attn", "summary_activation",
    "summary_proj_to_labels", "summary_type", "summary_use_proj",
)  # fmt: skip
"""`reorder_and_upcast_attn` changes only the rounding of 16 bits."""


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gpt2` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_gpt_shape(fields)
    scale = None if fields.boolean("scale_attn_weights") else 1.0
    by_layer = fields.boolean("scale_attn_by_inverse_layer_idx")
    scales = [1 / (layer + 1) for layer in range(shape["layers"])] if by_layer else [1.0]
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=tuple(Attention(rope=None, scale=scale) for scale in scales),
        attention_scale=scale,
        learned_positions=True,
        biases=frozenset(("query", "key", "value", "output", "up", "down")),
    )


def read_gpt_shape(fields: Fields) -> dict[str, Any]:
    """The arguments of DecoderConfig that GPT-2 and GPT-J read in the same way."""
    for other, own in OTHER_NAMES.items():
        fields.require(other, fields.integer(own))
    embed, heads = fields.integer("n_embd"), fields.integer("n_head")
    fields.require("num_key_value_heads", heads)
    fields.require("head_dim", embed // heads)
    return {
        "vocab": fields.integer("vocab_size"),
        "embed": embed,
        "layers": fields.integer("n_layer", most=MOST_LAYERS),
        "heads": heads,
        "kv_heads": heads,
        "head_dim": max(embed // heads, 1),
        "ffn": fields.integer_or_none("n_inner") or 4 * embed,
        "max_positions": fields.integer("n_positions"),
        "norm": "layer",
        "norm_bias": True,
        "norm_epsilon": fields.number("layer_norm_epsilon"),
        "activation": fields.word("activation_function", ACTIVATIONS, default="gelu_new"),
        "gated": False,
        "tied_head": fields.boolean("tie_word_embeddings"),
    }


_LAYER = "transformer.h.{layer}."
_HEADS = ("query", "key", "value")
_QUERY_KEY_VALUE = Fused(tensor=_LAYER + "attn.c_attn.weight", names=_HEADS, transposed=True)
_QUERY_KEY_VALUE_BIAS = Fused(tensor=_LAYER + "attn.c_attn.bias", names=tuple(f"{name}_bias" for name in _HEADS))

SOURCES: dict[str, Source] = {
    "embed": "transformer.wte.weight",
    "positions": "transformer.wpe.weight",
    "final_norm": "transformer.ln_f.weight",
    "final_norm_bias": "transformer.ln_f.bias",
    "head": "lm_head.weight",
    "attention_norm": _LAYER + "ln_1.weight",
    "attention_norm_bias": _LAYER + "ln_1.bias",
    **dict.fromkeys(_QUERY_KEY_VALUE.names, _QUERY_KEY_VALUE),
    **dict.fromkeys(_QUERY_KEY_VALUE_BIAS.names, _QUERY_KEY_VALUE_BIAS),
    "output": Fused(tensor=_LAYER + "attn.c_proj.weight", names=("output",), transposed=True),
    "output_bias": _LAYER + "attn.c_proj.bias",
    "mlp_norm": _LAYER + "ln_2.weight",
    "mlp_norm_bias": _LAYER + "ln_2.bias",
    "up": Fused(tensor=_LAYER + "mlp.c_fc.weight", names=("up",), transposed=True),
    "up_bias": _LAYER + "mlp.c_fc.bias",
    "down": Fused(tensor=_LAYER + "mlp.c_proj.weight", names=("down",), transposed=True),
    "down_bias": _LAYER + "mlp.c_proj.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="gpt2", parse_config=parse_config, sources=SOURCES)
