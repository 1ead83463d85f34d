"""GGUF files of models that lie in folders, written with the gguf library as llama.cpp's conversion writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, RopeScalingType
from gguf.quants import quantize
from safetensors.numpy import load_file

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TOKENS: dict[str, Any] = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": ["<s>", "a", "b", "ab"],
    "tokenizer.ggml.token_type": [3, 1, 1, 1],
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.bos_token_id": 0,
}
"""A tokenizer, where none is looked at."""


def permute(weights: np.ndarray, heads: int) -> np.ndarray:
    """The rows of queries or keys as llama.cpp wants them: `permute` of its conversion of Llama."""
    halves = weights.reshape(heads, 2, len(weights) // heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A folder's config.json, and its tensors."""
    config = json.loads((folder / "config.json").read_text())
    tensors: dict[str, np.ndarray] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    return config, tensors


def describe(config: dict[str, Any]) -> dict[str, Any]:
    """The fields of a config.json, as llama.cpp's conversion writes them."""
    heads = config["num_attention_heads"]
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    theta = config["rope_theta"] if "rope_theta" in config else rope["rope_theta"]
    kind = rope.get("rope_type", rope.get("type", "default"))
    head_dim = config.get("head_dim", config["hidden_size"] // heads)
    fields = {
        "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"],
        "llama.block_count": config["num_hidden_layers"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": config.get("num_key_value_heads", heads),
        "llama.attention.layer_norm_rms_epsilon": config.get("rms_norm_eps", 1e-6),
        "llama.attention.key_length": head_dim,
        "llama.attention.value_length": head_dim,
        "llama.rope.dimension_count": head_dim,
        "llama.rope.freq_base": float(theta),
        "llama.vocab_size": config["vocab_size"],
    }
    if kind == "linear":
        fields["llama.rope.scaling.type"] = RopeScalingType.LINEAR.value
        fields["llama.rope.scaling.factor"] = rope["factor"]
    return fields


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
    named = {"general.name": "toy", **describe(config), **TOKENS, **(fields or {})}
    writer = GGUFWriter(path, named.pop("general.architecture", "llama"))
    for name, value in named.items():
        add(writer, name, value)
    heads = {"attn_q": config["num_attention_heads"]}
    heads["attn_k"] = config.get("num_key_value_heads", heads["attn_q"])
    wanted = GGMLQuantizationType[kind]
    for name, weights in tensors.items():
        layer, part, suffix = split(name)
        own = NAMES[part]
        rows = permute(weights, heads[own]) if own in heads else weights
        here = wanted if rows.ndim > 1 else GGMLQuantizationType.F32
        data = pack(np.ascontiguousarray(rows, np.float32), here)
        writer.add_tensor((f"blk.{layer}." if layer else "") + f"{own}.{suffix}", data, raw_dtype=here)
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
        shape = (len(rows), rows.shape[1] // elements * block_bytes)
        return np.random.default_rng(0).integers(0, 120, shape, np.uint8)


def split(name: str) -> tuple[str, str, str]:
    """The layer, the part and the kind in the name of a tensor of safetensors."""
    stem, _, kind = name.rpartition(".")
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return layer, part, kind
    return "", stem, kind


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
