"""A Llama forward pass in float64 NumPy, written from the definition of the architecture: slow, and plain to read.

It shares no code with the project: it reads config.json and the safetensors files itself. Semantics: transformers'
modeling_llama.py and modeling_rope_utils.py.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def logits(folder: Path, token_ids: npt.ArrayLike) -> Floats:
    """The logits [T, V] after each token of one sequence [T], under the checkpoint in `folder`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tensors = read_tensors(folder)

    states = tensors["model.embed_tokens.weight"][np.asarray(token_ids)]
    for index in range(config["num_hidden_layers"]):
        layer = f"model.layers.{index}."
        normed = rms_norm(states, tensors[layer + "input_layernorm.weight"], config)
        states = states + attention(normed, tensors, layer + "self_attn.", config)
        normed = rms_norm(states, tensors[layer + "post_attention_layernorm.weight"], config)
        states = states + mlp(normed, tensors, layer + "mlp.", config)
    states = rms_norm(states, tensors["model.norm.weight"], config)
    tied = config.get("tie_word_embeddings", False)
    return states @ tensors["model.embed_tokens.weight" if tied else "lm_head.weight"].T


def attention(states: Floats, tensors: dict[str, Floats], name: str, config: dict[str, Any]) -> Floats:
    """Causal attention: each query head looks at the key and value head of its group."""
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    size = config.get("head_dim") or config["hidden_size"] // heads
    bias = config.get("attention_bias", False)
    query = linear(states, tensors, name + "q_proj", bias)
    key = linear(states, tensors, name + "k_proj", bias)
    value = linear(states, tensors, name + "v_proj", bias)
    frequencies = inverse_frequencies(config, size)

    mixed = np.zeros((len(states), heads * size))
    for head in range(heads):
        group = head // (heads // kv_heads)
        own, theirs = slice(head * size, (head + 1) * size), slice(group * size, (group + 1) * size)
        q, k, v = rotate(query[:, own], frequencies), rotate(key[:, theirs], frequencies), value[:, theirs]
        for t in range(len(states)):
            scores = k[: t + 1] @ q[t] / math.sqrt(size)
            weights = np.exp(scores - scores.max())
            mixed[t, own] = (weights / weights.sum()) @ v[: t + 1]
    return linear(mixed, tensors, name + "o_proj", bias)


def mlp(states: Floats, tensors: dict[str, Floats], name: str, config: dict[str, Any]) -> Floats:
    """The gated feed-forward block: down(silu(gate(x)) * up(x))."""
    bias = config.get("mlp_bias", False)
    gate = linear(states, tensors, name + "gate_proj", bias)
    up = linear(states, tensors, name + "up_proj", bias)
    return linear(gate / (1 + np.exp(-gate)) * up, tensors, name + "down_proj", bias)


def linear(states: Floats, tensors: dict[str, Floats], name: str, bias: bool) -> Floats:
    """A matrix stored as [output, input], and its bias."""
    product = states @ tensors[name + ".weight"].T
    return product + tensors[name + ".bias"] if bias else product


def rms_norm(states: Floats, weight: Floats, config: dict[str, Any]) -> Floats:
    """Each row divided by its root mean square."""
    mean_square = (states**2).mean(axis=-1, keepdims=True)
    return states / np.sqrt(mean_square + config.get("rms_norm_eps", 1e-6)) * weight


def rotate(states: Floats, frequencies: Floats) -> Floats:
    """Rows [T, E] with the pair (i, i + E/2), as a complex number, turned by position * frequency i."""
    half = states.shape[1] // 2
    angles = np.arange(len(states))[:, None] * frequencies
    turned = (states[:, :half] + 1j * states[:, half:]) * np.exp(1j * angles)
    return np.concatenate([turned.real, turned.imag], axis=1)


def inverse_frequencies(config: dict[str, Any], size: int) -> Floats:
    """Radians a position for each pair of a head of `size`."""
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    theta = rope.get("rope_theta", config.get("rope_theta", 10_000.0))
    kind = rope.get("rope_type", rope.get("type", "default"))
    frequencies = []
    for pair in range(size // 2):
        frequency = theta ** (-2 * pair / size)
        if kind == "linear":
            frequency /= rope["factor"]
        elif kind == "llama3":
            frequency = llama3_frequency(frequency, rope)
        elif kind != "default":
            raise ValueError(f"rope type {kind}")
        frequencies.append(frequency)
    return np.array(frequencies)


def llama3_frequency(frequency: float, rope: dict[str, Any]) -> float:
    """One frequency, scaled as in Llama 3.1: short waves are kept, long ones stretched, those between blended."""
    positions, factor = rope["original_max_position_embeddings"], rope["factor"]
    wavelength = 2 * math.pi / frequency
    if wavelength < positions / rope["high_freq_factor"]:
        return frequency
    if wavelength > positions / rope["low_freq_factor"]:
        return frequency / factor
    smooth = (positions / wavelength - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
    return (1 - smooth) * frequency / factor + smooth * frequency


def read_tensors(folder: Path) -> dict[str, Floats]:
    """Every tensor of a checkpoint of one file, or of the files that its index names."""
    index = folder / "model.safetensors.index.json"
    names = {"model.safetensors"}
    if index.exists():
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return {tensor: values for name in names for tensor, values in read_safetensors(folder / name).items()}


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Every tensor of one file: 8 bytes of header size, the header as JSON, then the tensors' bytes."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for name, described in header.items():
        if name == "__metadata__":
            continue
        first, stop = described["data_offsets"]
        content = data[start + first : start + stop]
        if described["dtype"] == "BF16":  # the upper half of a float32
            values = (np.frombuffer(content, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(content, {"F32": "<f4", "F16": "<f2"}[described["dtype"]])
        tensors[name] = values.reshape(described["shape"]).astype(np.float64)
    return tensors
