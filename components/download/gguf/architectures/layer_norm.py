"""Architectures whose norms subtract the mean: GPT-2, GPT-NeoX, Falcon, StarCoder2, StableLM, Nemotron and Cohere 2.

Source: llama.cpp's conversion and src/models of each.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    EMBED,
    HEAD,
    LAYER,
    MODEL,
    NORMS,
    Architecture,
    has_bias,
    read_layer_types,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import (
    Made,
    both,
    fuse_by_group,
    keep,
    less_one,
    once,
    split,
    transpose,
)
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share, require_whole_heads

_NEOX_20B = 44
"""Layers of GPT-NeoX-20B, whose activation is another one than Pythia's; GGUF has neither."""
_UP, _UP_BIAS = "blk.{layer}.ffn_up.weight", "ffn_up"


def _describe_gpt2(metadata: Metadata) -> dict[str, Any]:
    sizes = read_sizes(metadata, epsilon="layer_norm_epsilon")
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",
        "vocab_size": sizes["vocab_size"],
        "n_embd": sizes["hidden_size"],
        "n_head": sizes["num_attention_heads"],
        "n_layer": sizes["num_hidden_layers"],
        "n_positions": sizes["max_position_embeddings"],
        "n_inner": metadata.measure(_UP, 0),  # the field is 4 * embed, whatever it is
        "layer_norm_epsilon": sizes["layer_norm_epsilon"],
        "tie_word_embeddings": sizes["tie_word_embeddings"],
    }


def _describe_gpt_neox(metadata: Metadata) -> dict[str, Any]:
    rope = read_rope(metadata)
    return {
        **read_sizes(metadata, epsilon="layer_norm_eps"),
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        "hidden_act": "gelu_fast" if metadata.layers == _NEOX_20B else "gelu",
        "attention_bias": has_bias(metadata, "attn_qkv"),
        "rotary_emb_base": rope["rope_theta"],
        "rotary_pct": read_share(metadata),
        "rope_scaling": rope["rope_scaling"],
        "use_parallel_residual": metadata.boolean("use_parallel_residual", default=True),
    }


def _describe_falcon(metadata: Metadata) -> dict[str, Any]:
    """Models of several key and value heads are of the new architecture; older ones with as many as heads, of Falcon
    RW, have ALiBi, and other tensors."""
    require_whole_heads(metadata)
    metadata.require("tensor_data_layout", "jploski")
    sizes = read_sizes(metadata, epsilon="layer_norm_epsilon")
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings")
    norms = 2 if metadata.has("blk.{layer}.attn_norm_2.weight") else 1
    return {
        **{name: sizes[name] for name in (*names, "layer_norm_epsilon", "tie_word_embeddings")},
        **read_rope(metadata),
        "architectures": ["FalconForCausalLM"],
        "model_type": "falcon",
        "activation": "gelu",
        "alibi": False,
        "bias": has_bias(metadata, "attn_output"),
        "ffn_hidden_size": metadata.measure(_UP, 0),
        "multi_query": metadata.kv_heads == 1,
        "new_decoder_architecture": metadata.kv_heads > 1,
        "num_kv_heads": metadata.kv_heads,
        "num_ln_in_parallel_attn": norms if metadata.kv_heads > 1 else None,
        "parallel_attn": True,
    }


def _describe_starcoder2(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    return {
        **read_sizes(metadata, epsilon="norm_epsilon"),
        **read_rope(metadata),
        "architectures": ["Starcoder2ForCausalLM"],
        "model_type": "starcoder2",
        "hidden_act": "gelu_pytorch_tanh",
        "sliding_window": None,
        "use_bias": has_bias(metadata, _UP_BIAS),
    }


def _describe_stablelm(metadata: Metadata) -> dict[str, Any]:
    return {
        **read_sizes(metadata, epsilon="layer_norm_eps"),
        **read_rope(metadata),
        "architectures": ["StableLmForCausalLM"],
        "model_type": "stablelm",
        "hidden_act": "silu",
        "partial_rotary_factor": read_share(metadata),
        "qk_layernorm": metadata.has("blk.{layer}.attn_q_norm.weight"),
        "use_parallel_residual": not metadata.has("blk.{layer}.ffn_norm.weight"),
        "use_qkv_bias": has_bias(metadata, "attn_q"),
    }


def _describe_nemotron(metadata: Metadata) -> dict[str, Any]:
    return {
        **read_sizes(metadata, epsilon="norm_eps"),
        **read_rope(metadata),
        "architectures": ["NemotronForCausalLM"],
        "model_type": "nemotron",
        "hidden_act": "relu2",
        "attention_bias": has_bias(metadata, "attn_q"),
        "mlp_bias": has_bias(metadata, _UP_BIAS),
        "partial_rotary_factor": read_share(metadata),
    }


def _describe_cohere2(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    return {
        **read_sizes(metadata, epsilon="layer_norm_eps"),
        **read_rope(metadata),
        "architectures": ["Cohere2ForCausalLM"],
        "model_type": "cohere2",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "logit_scale": metadata.number("logit_scale"),
        "sliding_window": metadata.integer("attention.sliding_window"),
        "layer_types": read_layer_types(metadata, every=4),
    }


_GPT2 = (
    once({"position_embd.weight": "transformer.wpe.weight", EMBED: "transformer.wte.weight", HEAD: "lm_head.weight"})
    + once({f"output_norm.{kind}": f"transformer.ln_f.{kind}" for kind in ("weight", "bias")})
    + both({"attn_norm": "ln_1", "ffn_norm": "ln_2"}, "transformer.h.{layer}.")
    + tuple(
        Made(f"transformer.h.{{layer}}.{name}.{kind}", (f"blk.{{layer}}.{part}.{kind}",), by)
        for part, name in {
            "attn_qkv": "attn.c_attn",
            "attn_output": "attn.c_proj",
            "ffn_up": "mlp.c_fc",
            "ffn_down": "mlp.c_proj",
        }.items()
        for kind, by in (("weight", transpose), ("bias", keep))
    )
)
_NEOX_LAYER, _FALCON_LAYER = "gpt_neox.layers.{layer}.", "transformer.h.{layer}."
_GPT_NEOX = (
    once({EMBED: "gpt_neox.embed_in.weight", HEAD: "embed_out.weight"})
    + once({f"output_norm.{kind}": f"gpt_neox.final_layer_norm.{kind}" for kind in ("weight", "bias")})
    + both({"attn_qkv": "attention.query_key_value"}, _NEOX_LAYER, fuse_by_group)
    + both(NORMS | {"attn_output": "attention.dense"}, _NEOX_LAYER)
    + both({"ffn_up": "mlp.dense_h_to_4h", "ffn_down": "mlp.dense_4h_to_h"}, _NEOX_LAYER)
)


def _make_falcon_norm(one: str, two: str) -> Any:
    """The tensor is named otherwise where attention and MLP each have a norm."""

    def make(metadata: Metadata, name: str, tensors: Any) -> Any:
        is_two = metadata.has("blk.{layer}.attn_norm_2.weight")
        return keep(metadata, name.replace("NORM", two if is_two else one), tensors)

    return make


_FALCON = (
    once({EMBED: "transformer.word_embeddings.weight", HEAD: "lm_head.weight"})
    + once({f"output_norm.{kind}": f"transformer.ln_f.{kind}" for kind in ("weight", "bias")})
    + both({"attn_qkv": "self_attention.query_key_value"}, _FALCON_LAYER, fuse_by_group)
    + both({"attn_output": "self_attention.dense", "attn_norm_2": "ln_attn"}, _FALCON_LAYER)
    + both({"ffn_up": "mlp.dense_h_to_4h", "ffn_down": "mlp.dense_4h_to_h"}, _FALCON_LAYER)
    + both({"attn_norm": "NORM"}, _FALCON_LAYER, _make_falcon_norm("input_layernorm", "ln_mlp"))
)
_WITH_BIAS = (*MODEL, *once({"output_norm.bias": "model.norm.bias"}))
_STARCODER2 = _WITH_BIAS + both(ATTENTION | NORMS | {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"})
_STABLELM = (
    _WITH_BIAS
    + both(LAYER)
    + both(
        {"attn_q_norm": "self_attn.q_layernorm.norms.{each}", "attn_k_norm": "self_attn.k_layernorm.norms.{each}"},
        by=split,
    )
)
_NEMOTRON = (
    *once({EMBED: "model.embed_tokens.weight", HEAD: "lm_head.weight", "output_norm.bias": "model.norm.bias"}),
    Made("model.norm.weight", ("output_norm.weight",), less_one),
    *both(ATTENTION | {"ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}),
    *(
        Made(f"model.layers.{{layer}}.{name}.{kind}", (f"blk.{{layer}}.{part}.{kind}",), by)
        for part, name in NORMS.items()
        for kind, by in (("weight", less_one), ("bias", keep))
    ),
)

ARCHITECTURES = (
    Architecture(name="gpt2", describe=_describe_gpt2, tensors=_GPT2),
    Architecture(name="gptneox", describe=_describe_gpt_neox, tensors=_GPT_NEOX),
    Architecture(name="falcon", describe=_describe_falcon, tensors=_FALCON),
    Architecture(name="starcoder2", describe=_describe_starcoder2, tensors=_STARCODER2),
    Architecture(
        name="stablelm", describe=_describe_stablelm, tensors=_STABLELM, without_effect=("use_parallel_residual",)
    ),
    Architecture(
        name="nemotron",
        describe=_describe_nemotron,
        tensors=_NEMOTRON,
        without_effect=("attention.layer_norm_rms_epsilon",),
    ),
    Architecture(
        name="cohere2",
        describe=_describe_cohere2,
        tensors=MODEL + both(LAYER),
    ),
)
