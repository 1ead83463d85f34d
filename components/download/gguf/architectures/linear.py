"""Qwen3-Next and Qwen3.5, whose layers with linear attention have tensors of their own.

Of Qwen3.5, conversions put the heads of values into another order: first the first head of each key head, then the
second of each. Source: llama.cpp's conversion/qwen.py, and src/models/qwen3next.cpp, qwen35.cpp and qwen35moe.cpp.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    EMBED,
    HEAD,
    MLP,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, Making, both, keep, less_one, once
from byheart.components.download.gguf.architectures.qwen import EXPERTS, SHARED, read_expert_sizes, read_shared_size
from byheart.components.download.gguf.header import GgufTensor
from byheart.components.download.gguf.layout import Layout, Rows, check_shapes
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share


def _read(metadata: Metadata) -> dict[str, Any]:
    """What the three have in common."""
    values = metadata.integer("ssm.time_step_rank")
    head_dim = metadata.integer("ssm.state_size")
    metadata.require("ssm.inner_size", values * head_dim)
    every = metadata.integer("full_attention_interval", 4)
    linear = metadata.list("attention.recurrent_layers", bool)
    if linear is None:
        linear = tuple((layer + 1) % every != 0 for layer in range(metadata.layers))
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "layer_types": ["linear_attention" if each else "full_attention" for each in linear],
        "linear_conv_kernel_dim": metadata.integer("ssm.conv_kernel"),
        "linear_key_head_dim": head_dim,
        "linear_num_key_heads": metadata.integer("ssm.group_count"),
        "linear_num_value_heads": values,
        "linear_value_head_dim": head_dim,
        "partial_rotary_factor": read_share(metadata),
    }


def _read_experts(metadata: Metadata) -> dict[str, Any]:
    return read_expert_sizes(metadata) | {"shared_expert_intermediate_size": read_shared_size(metadata)}


def _describe_qwen3_next(metadata: Metadata) -> dict[str, Any]:
    named = {"architectures": ["Qwen3NextForCausalLM"], "model_type": "qwen3_next", "norm_topk_prob": True}
    return _read(metadata) | _read_experts(metadata) | named


def _describe_qwen3_5(metadata: Metadata) -> dict[str, Any]:
    return _read(metadata) | {"architectures": ["Qwen3_5ForCausalLM"], "model_type": "qwen3_5_text"}


def _describe_qwen3_5_moe(metadata: Metadata) -> dict[str, Any]:
    named = {"architectures": ["Qwen3_5MoeForCausalLM"], "model_type": "qwen3_5_moe_text"}
    return _read(metadata) | _read_experts(metadata) | named


def _fuse_by_key_head(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """Of each key head its query, key, values and gates, of all queries, keys and values, and of all gates."""
    head, keys = metadata.integer("ssm.state_size"), metadata.integer("ssm.group_count")
    values = metadata.integer("ssm.time_step_rank") // keys * head
    joined, gate = tensors
    check_shapes(
        metadata.gguf, name, tensors, [((2 * head + values) * keys, metadata.embed), (values * keys, metadata.embed)]
    )
    yield Layout(
        name=name,
        shape=((2 * head + 2 * values) * keys, metadata.embed),
        blocks=keys,
        sources=(
            Rows(joined, head),
            Rows(joined, head, head * keys),
            Rows(joined, values, 2 * head * keys),
            Rows(gate, values),
        ),
        arrange=lambda *rows: np.concatenate(rows, axis=1),
    )


def _log_less(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The logarithms of rates, of which GGUF has the negative rates."""
    for layout in less_one(metadata, name, tensors):

        def arrange(rows: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):  # a damaged rate may be positive: the score says so
                return np.log(-rows)

        yield dataclasses.replace(layout, arrange=arrange)


def _split_channels(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """Kernels with an axis for the one channel that each reads."""
    for layout in keep(metadata, name, tensors):
        yield dataclasses.replace(layout, shape=(layout.shape[0], 1, *layout.shape[1:]))


def _group(by: Making, *, after_keys: bool = False, columns: bool = False, numbers: bool = False) -> Making:
    """Another way, with the heads of values in the order of Hugging Face: those of a key head stand together.

    Args:
        after_keys: whether rows of queries and keys come first.
        columns: whether heads lie along columns.
        numbers: whether a head has one row, and not one for each of its numbers.
    """

    def make(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
        keys, head = metadata.integer("ssm.group_count"), metadata.integer("ssm.state_size")
        values, rows = metadata.integer("ssm.time_step_rank"), 1 if numbers else head
        first = 2 * keys * head if after_keys else 0
        (tensor,) = tensors
        found = tensor.shape[-1] if columns else tensor.shape[0]
        if found != first + values * rows or values % keys:
            metadata.gguf.refuse(f"hold {values} heads of {rows} as {name}", f"{list(tensor.shape)}", "fetch it again")

        def order(heads: np.ndarray) -> np.ndarray:
            """Heads [blocks, values * rows, ...] in the other order."""
            apart = heads.reshape(len(heads), values // keys, keys, rows, *heads.shape[2:])
            return apart.swapaxes(1, 2).reshape(heads.shape)

        for layout in by(metadata, name, tensors):
            inner = layout.arrange
            if columns:
                yield dataclasses.replace(
                    layout, arrange=lambda each, inner=inner: order(inner(each).swapaxes(1, 2)).swapaxes(1, 2)
                )
            else:
                yield dataclasses.replace(
                    layout,
                    blocks=1,
                    sources=(Rows(tensor, found),),
                    arrange=lambda each, inner=inner: np.concatenate(
                        [inner(each)[:, :first], order(inner(each)[:, first:])], axis=1
                    ),
                )

    return make


_LINEAR, _BLOCK = "model.layers.{layer}.linear_attn.", "blk.{layer}."
_COMMON = (
    *once({EMBED: "model.embed_tokens.weight", HEAD: "lm_head.weight"}),
    Made("model.norm.weight", ("output_norm.weight",), less_one),
    *both(ATTENTION),
    *both(
        QUERY_KEY_NORMS | {"attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm"},
        by=less_one,
    ),
    Made(f"{_LINEAR}norm.weight", (f"{_BLOCK}ssm_norm.weight",), keep),
)
_QWEN3_NEXT = (
    *_COMMON,
    Made(f"{_LINEAR}in_proj_qkvz.weight", (f"{_BLOCK}attn_qkv.weight", f"{_BLOCK}attn_gate.weight"), _fuse_by_key_head),
    Made(f"{_LINEAR}in_proj_ba.weight", (f"{_BLOCK}ssm_ba.weight",), keep),
    Made(f"{_LINEAR}conv1d.weight", (f"{_BLOCK}ssm_conv1d.weight",), _split_channels),
    Made(f"{_LINEAR}A_log", (f"{_BLOCK}ssm_a",), _log_less),
    Made(f"{_LINEAR}dt_bias", (f"{_BLOCK}ssm_dt.bias",), keep),
    Made(f"{_LINEAR}out_proj.weight", (f"{_BLOCK}ssm_out.weight",), keep),
    *EXPERTS,
    *SHARED,
)
_QWEN3_5 = (
    *_COMMON,
    *both(MLP),
    *(
        Made(f"{_LINEAR}{name}", (f"{_BLOCK}{part}",), by)
        for name, part, by in (
            ("in_proj_qkv.weight", "attn_qkv.weight", _group(keep, after_keys=True)),
            ("in_proj_z.weight", "attn_gate.weight", _group(keep)),
            ("in_proj_a.weight", "ssm_alpha.weight", _group(keep, numbers=True)),
            ("in_proj_b.weight", "ssm_beta.weight", _group(keep, numbers=True)),
            ("conv1d.weight", "ssm_conv1d.weight", _group(_split_channels, after_keys=True)),
            ("A_log", "ssm_a", _group(_log_less, numbers=True)),
            ("dt_bias", "ssm_dt.bias", _group(keep, numbers=True)),
            ("out_proj.weight", "ssm_out.weight", _group(keep, columns=True)),
        )
    ),
)
_FOR_PICTURES = ("rope.dimension_sections",)

ARCHITECTURES = (
    Architecture(name="qwen3next", describe=_describe_qwen3_next, tensors=_QWEN3_NEXT),
    Architecture(name="qwen35", describe=_describe_qwen3_5, tensors=_QWEN3_5, without_effect=_FOR_PICTURES),
    Architecture(
        name="qwen35moe",
        describe=_describe_qwen3_5_moe,
        tensors=_QWEN3_5 + EXPERTS + SHARED,
        without_effect=_FOR_PICTURES,
    ),
)
