"""Qwen3-Next, whose layers with linear attention have tensors of their own.

Source: llama.cpp's conversion/qwen.py and src/models/qwen3next.cpp.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    EMBED,
    HEAD,
    QUERY_KEY_NORMS,
    Architecture,
    has_bias,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, keep, less_one, once
from byheart.components.download.gguf.architectures.qwen import EXPERTS, SHARED, read_expert_sizes, read_shared_size
from byheart.components.download.gguf.header import GgufTensor
from byheart.components.download.gguf.layout import Layout, Rows, check_shapes
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share


def _describe(metadata: Metadata) -> dict[str, Any]:
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
        **read_expert_sizes(metadata),
        "architectures": ["Qwen3NextForCausalLM"],
        "model_type": "qwen3_next",
        "hidden_act": "silu",
        "attention_bias": has_bias(metadata, "attn_q"),
        "layer_types": ["linear_attention" if each else "full_attention" for each in linear],
        "linear_conv_kernel_dim": metadata.integer("ssm.conv_kernel"),
        "linear_key_head_dim": head_dim,
        "linear_num_key_heads": metadata.integer("ssm.group_count"),
        "linear_num_value_heads": values,
        "linear_value_head_dim": head_dim,
        "norm_topk_prob": True,
        "partial_rotary_factor": read_share(metadata),
        "shared_expert_intermediate_size": read_shared_size(metadata),
    }


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


_LINEAR, _BLOCK = "model.layers.{layer}.linear_attn.", "blk.{layer}."

ARCHITECTURES = (
    Architecture(
        name="qwen3next",
        describe=_describe,
        tensors=(
            *once({EMBED: "model.embed_tokens.weight", HEAD: "lm_head.weight"}),
            Made("model.norm.weight", ("output_norm.weight",), less_one),
            *both(ATTENTION),
            *both(
                QUERY_KEY_NORMS
                | {"attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm"},
                by=less_one,
            ),
            Made(
                f"{_LINEAR}in_proj_qkvz.weight",
                (f"{_BLOCK}attn_qkv.weight", f"{_BLOCK}attn_gate.weight"),
                _fuse_by_key_head,
            ),
            Made(f"{_LINEAR}in_proj_ba.weight", (f"{_BLOCK}ssm_ba.weight",), keep),
            Made(f"{_LINEAR}conv1d.weight", (f"{_BLOCK}ssm_conv1d.weight",), _split_channels),
            Made(f"{_LINEAR}A_log", (f"{_BLOCK}ssm_a",), _log_less),
            Made(f"{_LINEAR}dt_bias", (f"{_BLOCK}ssm_dt.bias",), keep),
            Made(f"{_LINEAR}norm.weight", (f"{_BLOCK}ssm_norm.weight",), keep),
            Made(f"{_LINEAR}out_proj.weight", (f"{_BLOCK}ssm_out.weight",), keep),
            *EXPERTS,
            *SHARED,
        ),
    ),
)
