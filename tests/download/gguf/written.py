"""GGUF files of models that lie in folders, written with the gguf library as llama.cpp's conversion writes them."""

import json
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  what safetensors takes bfloat16 from
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from safetensors.numpy import load_file

from byheart.models.families import find_family
from tests.download.gguf.conversion import convert, name_architecture
from tests.download.gguf.described import describe, describe_activation

TOKENS: dict[str, Any] = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": ["<s>", "a", "b", "ab"],
    "tokenizer.ggml.token_type": [3, 1, 1, 1],
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.bos_token_id": 0,
}
"""A tokenizer, where none is looked at."""


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A folder's config.json, and its tensors."""
    config = json.loads((folder / "config.json").read_text())
    tensors: dict[str, np.ndarray] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    return config, {name: each if each.dtype == np.uint8 else each.astype(np.float32) for name, each in tensors.items()}


def write_gguf(
    path: Path,
    config: dict[str, Any],
    tensors: dict[str, np.ndarray],
    kind: str = "F32",
    *,
    fields: dict[str, Any] | None = None,
    extra: dict[str, np.ndarray] | None = None,
) -> Path:
    """The file of a model whose matrices are of a type.

    Args:
        fields: replace others; None leaves one out.
        extra: tensors that are added by GGUF's names.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    architecture, decoder = name_architecture(config), find_family(config).parse_config(config)
    own = {f"{architecture}.{name}": value for name, value in describe(config, decoder).items()}
    named = {"general.name": "toy", **own, **describe_activation(tensors), **TOKENS, **(fields or {})}
    writer = GGUFWriter(path, named.pop("general.architecture", architecture))
    for name, value in named.items():
        add(writer, name, value)
    wanted = GGMLQuantizationType[kind]
    for name, weights in convert(config, decoder, tensors):
        here = wanted if weights.ndim > 1 else GGMLQuantizationType.F32
        if weights.dtype == np.uint8:
            writer.add_tensor(name, weights, raw_dtype=GGMLQuantizationType.MXFP4)
        else:
            writer.add_tensor(name, pack(np.asarray(weights, np.float32), here), raw_dtype=here)
    for name, weights in (extra or {}).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def pack(rows: np.ndarray, kind: GGMLQuantizationType) -> np.ndarray:
    """Rows in blocks of a type; where the library writes none, any bytes that make finite numbers."""
    try:
        return quantize(rows, kind)
    except NotImplementedError:
        elements, block_bytes = GGML_QUANT_SIZES[kind]
        shape = (*rows.shape[:-1], rows.shape[-1] // elements * block_bytes)
        return np.random.default_rng(0).integers(0, 120, shape, np.uint8)


def add(writer: GGUFWriter, name: str, value: Any) -> None:
    """Add a field of the type that llama.cpp's conversion gives it."""
    match value:
        case None:
            return
        case bool():
            writer.add_bool(name, value)
        case int():
            writer.add_uint32(name, value)
        case float():
            writer.add_float32(name, value)
        case str():
            writer.add_string(name, value)
        case _:
            writer.add_array(name, value)
