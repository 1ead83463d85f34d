"""Architectures with norms that do not subtract the mean and little else of their own: EXAONE 4, GLM-4, Hunyuan,
Seed-OSS and Apertus.

Source: llama.cpp's conversion and src/models of each.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    LAYER,
    MODEL,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_layer_types,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both
from byheart.components.download.gguf.architectures.olmo import AFTER_NORMED
from byheart.components.download.gguf.header import GgufTensor
from byheart.components.download.gguf.layout import Layout
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share, require_whole_heads

_EXAONE4_32B = 64
"""Layers of the model that slides in three of four of them, whatever its file says."""
_XIELU = {"beta": 0.5, "eps": -1e-6}
"""Constants of Apertus's activation."""


def _describe_exaone4(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    window = metadata.integer("attention.sliding_window", 4096 if metadata.layers == _EXAONE4_32B else 0, least=0)
    types = read_layer_types(metadata, every=4)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "architectures": ["Exaone4ForCausalLM"],
        "model_type": "exaone4",
        "hidden_act": "silu",
        "sliding_window": window or None,
        "layer_types": types if window else ["full_attention"] * metadata.layers,
    }


def _describe_glm4(metadata: Metadata) -> dict[str, Any]:
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "architectures": ["Glm4ForCausalLM"],
        "model_type": "glm4",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "partial_rotary_factor": read_share(metadata),
    }


def _describe_hunyuan(metadata: Metadata) -> dict[str, Any]:
    """Its base is the one that the model's own scaling, NTK by an alpha, makes of config.json's."""
    require_whole_heads(metadata)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "architectures": ["HunYuanDenseV1ForCausalLM"],
        "model_type": "hunyuan_v1_dense",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
    }


def _describe_seed_oss(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "architectures": ["SeedOssForCausalLM"],
        "model_type": "seed_oss",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "attention_out_bias": has_bias(metadata, "attn_output"),
        "mlp_bias": has_bias(metadata, "ffn_up"),
    }


def _describe_apertus(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    for name, value in _XIELU.items():
        found = _read_xielu(metadata, name)
        if not np.allclose(found, value, rtol=0.01, atol=0):  # most are rounded to bfloat16
            metadata.gguf.refuse(f"have xielu.{name}={value}", f"{sorted(found)}"[:60], "name the model's safetensors")
    rope = read_rope(metadata)
    return {
        **read_sizes(metadata),
        "architectures": ["ApertusForCausalLM"],
        "model_type": "apertus",
        "hidden_act": "xielu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "rope_parameters": {"rope_type": "default"} | (rope["rope_scaling"] or {}) | {"rope_theta": rope["rope_theta"]},
    }


def _read_xielu(metadata: Metadata, name: str) -> tuple[float, ...]:
    """A number of the activation of each layer.

    Raises:
        ModelError: there is none.
    """
    values = metadata.gguf.fields.get(f"xielu.{name}")
    values = (values,) * metadata.layers if type(values) is float else values
    if (
        not isinstance(values, tuple)
        or len(values) != metadata.layers
        or not all(type(value) is float for value in values)
    ):
        metadata.gguf.refuse(f"have a number for each layer as xielu.{name}", "none", "fetch it again")
    return values


def _make_alpha(name: str) -> Any:
    def make(metadata: Metadata, template: str, _: Sequence[GgufTensor]) -> Iterator[Layout]:
        for layer, value in enumerate(_read_xielu(metadata, name)):
            number = np.full((1, 1), value, "<f4")
            yield Layout(
                name=template.replace("{each}", str(layer)),
                shape=(1,),
                blocks=1,
                sources=(),
                arrange=lambda number=number: number,
            )

    return make


_GLM4 = MODEL + both(
    ATTENTION
    | {
        "attn_norm": "input_layernorm",
        "post_attention_norm": "post_self_attn_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "post_ffw_norm": "post_mlp_layernorm",
        "ffn_up": "mlp.gate_up_proj",
        "ffn_down": "mlp.down_proj",
    }
)
_HUNYUAN = MODEL + both(LAYER | {"attn_q_norm": "self_attn.query_layernorm", "attn_k_norm": "self_attn.key_layernorm"})
_SEED_OSS = MODEL + both(
    {part: name for part, name in LAYER.items() if part != "ffn_norm"}
    | {"post_attention_norm": "post_attention_layernorm"}
)
_APERTUS = (
    MODEL
    + both(
        ATTENTION
        | QUERY_KEY_NORMS
        | {
            "attn_norm": "attention_layernorm",
            "ffn_norm": "feedforward_layernorm",
            "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj",
        }
    )
    + tuple(Made(f"model.layers.{{each}}.mlp.act_fn.{name}", (), _make_alpha(name)) for name in ("alpha_p", "alpha_n"))
)

ARCHITECTURES = (
    Architecture(name="exaone4", describe=_describe_exaone4, tensors=AFTER_NORMED),
    Architecture(name="glm4", describe=_describe_glm4, tensors=_GLM4),
    Architecture(name="hunyuan-dense", describe=_describe_hunyuan, tensors=_HUNYUAN),
    Architecture(name="seed_oss", describe=_describe_seed_oss, tensors=_SEED_OSS),
    Architecture(name="apertus", describe=_describe_apertus, tensors=_APERTUS),
)
