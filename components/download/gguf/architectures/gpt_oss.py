"""gpt-oss. Source: llama.cpp's conversion/gpt_oss.py and src/models/openai-moe.cpp.

Experts in MXFP4 stay so: their bytes are put into the order of the published safetensors. GGUF does not say that the
bounds of YaRN are not rounded, as of every published model; llama.cpp rounds them.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    MODEL,
    Architecture,
    read_expert_counts,
    read_layer_types,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import (
    Made,
    both,
    interleave,
    interleave_transposed,
    keep,
    transpose,
)
from byheart.components.download.gguf.header import GgufTensor
from byheart.components.download.gguf.layout import Layout, Rows, check_shapes
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_GATE, _UP, _DOWN = (f"blk.{{layer}}.ffn_{part}_exps" for part in ("gate", "up", "down"))
_MXFP4, _BLOCK, _BLOCK_BYTES = "MXFP4", 32, 17
_NOT_CONVERTED = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]


def _describe(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    metadata.require("expert_feed_forward_length", metadata.integer("feed_forward_length"))
    config = {
        **read_sizes(metadata),
        **read_rope(metadata, truncate=False),
        **read_expert_counts(metadata, "num_local_experts"),
        "architectures": ["GptOssForCausalLM"],
        "model_type": "gpt_oss",
        "hidden_act": "silu",
        "attention_bias": True,
        "swiglu_limit": 7.0,
        "sliding_window": metadata.integer("attention.sliding_window"),
        "layer_types": read_layer_types(metadata, every=2),
    }
    if config["rope_scaling"] is None:
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": config["rope_theta"]}
    if _is_packed(metadata):
        config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": _NOT_CONVERTED}
    return config


def _is_packed(metadata: Metadata) -> bool:
    """Whether experts are in MXFP4, all of them.

    Raises:
        ModelError: some are.
    """
    experts = ("ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight")
    packed = {tensor.type == _MXFP4 for name, tensor in metadata.gguf.tensors.items() if name.endswith(experts)}
    if len(packed) > 1:
        metadata.gguf.refuse(f"hold all experts in {_MXFP4}, or none", "some", "name the model's safetensors")
    return packed == {True}


def _make_gate_up(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    if not _is_packed(metadata):
        return interleave_transposed(metadata, name, tensors)
    return _pack(metadata, name, tensors)


def _make_down(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    if not _is_packed(metadata):
        return transpose(metadata, name, tensors)
    return _pack(metadata, name, tensors)


def _pack(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The blocks and the scales of matrices whose rows are taken in turn, [experts, rows, blocks of a row, ...]."""
    experts, rows, columns = tensors[0].shape if len(tensors[0].shape) == 3 else (1, 1, _BLOCK)
    check_shapes(metadata.gguf, name, tensors, [(experts, rows, columns)] * len(tensors))
    row = columns // _BLOCK

    def take_turns(*packed: np.ndarray) -> np.ndarray:
        """Bytes [rows, row's blocks, bytes of a block]."""
        return np.stack(packed, axis=2).reshape(-1, row, _BLOCK_BYTES)

    def arrange_blocks(*packed: np.ndarray) -> np.ndarray:
        """Numbers 2i and 2i + 1 in a byte; GGUF has i and i + 16. The lower half of a byte is the first."""
        codes = take_turns(*packed)[..., 1:]
        numbers = np.concatenate([codes & 15, codes >> 4], axis=-1)
        return numbers[..., ::2] | numbers[..., 1::2] << 4

    scales = Layout(
        name=f"{name}_scales",
        shape=(experts, rows * len(tensors), row),
        blocks=experts * rows,
        sources=tuple(Rows(tensor, 1) for tensor in tensors),
        arrange=lambda *packed: take_turns(*packed)[..., 0],
        packed=True,
    )
    yield scales
    yield dataclasses.replace(scales, name=f"{name}_blocks", shape=(*scales.shape, _BLOCK // 2), arrange=arrange_blocks)


_LAYER = "model.layers.{layer}."
_EXPERTS = f"{_LAYER}mlp.experts."

ARCHITECTURES = (
    Architecture(
        name="gpt-oss",
        describe=_describe,
        tensors=(
            *MODEL,
            *both(
                ATTENTION
                | {
                    "attn_norm": "input_layernorm",
                    "post_attention_norm": "post_attention_layernorm",
                    "ffn_gate_inp": "mlp.router",
                }
            ),
            Made(f"{_LAYER}self_attn.sinks", ("blk.{layer}.attn_sinks.weight",), keep),
            Made(f"{_EXPERTS}gate_up_proj", (f"{_GATE}.weight", f"{_UP}.weight"), _make_gate_up),
            Made(f"{_EXPERTS}gate_up_proj_bias", (f"{_GATE}.bias", f"{_UP}.bias"), interleave),
            Made(f"{_EXPERTS}down_proj", (f"{_DOWN}.weight",), _make_down),
            Made(f"{_EXPERTS}down_proj_bias", (f"{_DOWN}.bias",), keep),
        ),
    ),
)
