"""Falcon: attention and MLP side by side, queries, keys and values in one tensor, an MLP without a gate.

Falcon 7B    one key and value head; attention and MLP read one normed copy
Falcon 40B   groups of heads (`new_decoder_architecture`); two norms, or one as in Falcon 11B
Falcon RW    one block after the other, biases, and ALiBi, which is refused
"""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.activations import ACTIVATIONS
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import MOST_LAYERS
from byheart.models.parameters import Source, fuse_by_head

DEFAULTS = {
    "activation": "gelu",
    "alibi": False,
    "bias": False,
    "hidden_size": 4544,
    "layer_norm_epsilon": 1e-5,
    "max_position_embeddings": 2048,
    "multi_query": True,
    "new_decoder_architecture": False,
    "num_attention_heads": 71,
    "num_hidden_layers": 32,
    "parallel_attn": True,
    "tie_word_embeddings": True,
    "vocab_size": 65_024,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("ff_factor",)


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: falcon` config.json describes."""
    fields = Fields(DEFAULTS | config)
    if fields.boolean("alibi"):
        raise ModelError(
            "config.json must have alibi=false, found true: transformers adds the biases of ALiBi once or twice, as "
            "its implementation of attention is chosen, so no score of this model would be the right one; choose "
            "another model"
        )
    embed, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    fields.require("n_embed", embed)
    fields.require("head_dim", embed // heads)
    max_positions = fields.integer("max_position_embeddings")
    is_new, parallel = fields.boolean("new_decoder_architecture"), fields.boolean("parallel_attn")
    norms = fields.integer("num_ln_in_parallel_attn", default=2 if is_new else 1)
    if norms > 2 or (norms == 2 and not is_new) or (is_new and not parallel):
        raise ModelError(
            "config.json must describe one norm, or with new_decoder_architecture one or two and parallel_attn, found "
            f"num_ln_in_parallel_attn={norms}, new_decoder_architecture={is_new} and parallel_attn={parallel}: it "
            "cannot be computed here"
        )
    biases = fields.boolean("bias") * ("query", "key", "value", "output", "up", "down")
    decoder = DecoderConfig(
        vocab=fields.integer("vocab_size"),
        embed=embed,
        layers=fields.integer("num_hidden_layers", most=MOST_LAYERS),
        heads=heads,
        kv_heads=_read_kv_heads(fields, heads, is_new),
        head_dim=max(embed // heads, 1),
        ffn=fields.integer("ffn_hidden_size", default=4 * embed),
        max_positions=max_positions,
        attention=(Attention(rope=read_rope(fields, max_positions)),),
        norm="layer",
        norm_bias=True,
        norm_epsilon=fields.number("layer_norm_epsilon"),
        parallel=parallel,
        shared_norm=parallel and norms == 1,
        biases=frozenset(biases),
        activation=fields.word("activation", ACTIVATIONS, default="gelu"),
        gated=False,
        tied_head=fields.boolean("tie_word_embeddings"),
    )
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return decoder


def _read_kv_heads(fields: Fields, heads: int, is_new: bool) -> int:
    """The key and value heads; `multi_query` has one, whatever `num_kv_heads` says, where groups are not new."""
    multi_query, kv_heads = fields.boolean("multi_query"), fields.integer("num_kv_heads", default=heads)
    if is_new:
        return kv_heads
    if not multi_query:
        fields.require("num_kv_heads", heads)
    return 1 if multi_query else heads


_LAYER = "transformer.h.{layer}."
_QUERY_KEY_VALUE = _LAYER + "self_attention.query_key_value."


SOURCES: dict[str, Source] = {
    "embed": "transformer.word_embeddings.weight",
    "final_norm": "transformer.ln_f.weight",
    "final_norm_bias": "transformer.ln_f.bias",
    "head": "lm_head.weight",
    "attention_norm": _LAYER + "input_layernorm.weight",
    "attention_norm_bias": _LAYER + "input_layernorm.bias",
    **fuse_by_head(_QUERY_KEY_VALUE + "weight", "query", "key", "value"),
    **fuse_by_head(_QUERY_KEY_VALUE + "bias", "query_bias", "key_bias", "value_bias"),
    "output": _LAYER + "self_attention.dense.weight",
    "output_bias": _LAYER + "self_attention.dense.bias",
    "mlp_norm": _LAYER + "post_attention_layernorm.weight",
    "mlp_norm_bias": _LAYER + "post_attention_layernorm.bias",
    "up": _LAYER + "mlp.dense_h_to_4h.weight",
    "up_bias": _LAYER + "mlp.dense_h_to_4h.bias",
    "down": _LAYER + "mlp.dense_4h_to_h.weight",
    "down_bias": _LAYER + "mlp.dense_4h_to_h.bias",
}
"""The tensor of the checkpoint that holds each parameter."""
TWO_NORMS = {
    "attention_norm": _LAYER + "ln_attn.weight",
    "attention_norm_bias": _LAYER + "ln_attn.bias",
    "mlp_norm": _LAYER + "ln_mlp.weight",
    "mlp_norm_bias": _LAYER + "ln_mlp.bias",
}
"""The norms where there are two of parallel blocks."""

FAMILY = Family(model_type="falcon", parse_config=parse_config, sources=SOURCES, other_sources=TWO_NORMS)
