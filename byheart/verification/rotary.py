"""Rotary embeddings of the reference decoder. Source: transformers' modeling_rope_utils.py."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def rotate(states: Floats, rope: dict[str, Any]) -> Floats:
    """Heads [B, T, H, E] with the i-th pair of the first R numbers turned by position times frequency i.

    A pair is (i, i + R/2), or (2i, 2i + 1) where pairs are interleaved.
    """
    positions, head_dim = states.shape[1], states.shape[3]
    turned_dims = int(head_dim * rope["partial_rotary_factor"])
    frequencies, stretch = compute_frequencies(rope, turned_dims, positions)
    angles = np.arange(positions)[:, None] * frequencies
    first = slice(0, turned_dims, 2) if rope["interleaved"] else slice(0, turned_dims // 2)
    second = slice(1, turned_dims, 2) if rope["interleaved"] else slice(turned_dims // 2, turned_dims)
    turned = (states[..., first] + 1j * states[..., second]) * (stretch * np.exp(1j * angles))[:, None]
    result = states.copy()
    result[..., first], result[..., second] = turned.real, turned.imag
    return result


def grow(rope: dict[str, Any], positions: int) -> Floats:
    """The factor of the query at each position, as in Ministral 3; 1 in other families."""
    rounds = np.arange(positions) // rope["original_max_position_embeddings"]
    return 1 + (rope.get("llama_4_scaling_beta") or 0.0) * np.log(1 + rounds)


def compute_frequencies(rope: dict[str, Any], dims: int, positions: int) -> tuple[Floats, float]:
    """Radians a position for each pair of `dims` numbers, and the factor of sine and cosine."""
    theta, kind, original = rope["rope_theta"], rope["kind"], rope["original_max_position_embeddings"]
    plain = [theta ** (-2 * pair / dims) for pair in range(dims // 2)]
    if kind == "dynamic" and rope.get("alpha"):  # Hunyuan's, which is not dynamic
        base = theta * rope["alpha"] ** (dims / (dims - 2))
        return np.array([base ** (-2 * pair / dims) for pair in range(dims // 2)]), 1.0
    if kind in ("default", "dynamic"):  # dynamic changes only inputs longer than the model's positions
        return np.array(plain), 1.0
    if kind == "linear":
        return np.array(plain) / rope["factor"], 1.0
    if kind == "llama3":
        return np.array([_scale_as_llama3(frequency, rope) for frequency in plain]), 1.0
    factor = rope.get("factor") or rope["max_position_embeddings"] / original
    if kind == "longrope":
        longer = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
        divisors = rope["long_factor"] if positions > original else rope["short_factor"]
        return np.array(plain) / np.array(divisors), rope.get("attention_factor") or longer
    if kind == "yarn":
        return np.array(_scale_as_yarn(plain, rope, dims, factor)), _stretch_as_yarn(rope, factor)
    raise ValueError(f"rope type {kind}")


def _scale_as_llama3(frequency: float, rope: dict[str, Any]) -> float:
    """One frequency, scaled as in Llama 3.1: short waves are kept, long ones stretched, those between blended."""
    positions, factor = rope["original_max_position_embeddings"], rope["factor"]
    wavelength = 2 * math.pi / frequency
    if wavelength < positions / rope["high_freq_factor"]:
        return frequency
    if wavelength > positions / rope["low_freq_factor"]:
        return frequency / factor
    smooth = (positions / wavelength - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
    return (1 - smooth) * frequency / factor + smooth * frequency


def _scale_as_yarn(plain: list[float], rope: dict[str, Any], dims: int, factor: float) -> list[float]:
    """Frequencies scaled as in YaRN: blended between kept and stretched, linearly in the number of the pair."""

    def find_pair(turns: float) -> float:
        positions = rope["original_max_position_embeddings"]
        return dims * math.log(positions / (turns * 2 * math.pi)) / (2 * math.log(rope["rope_theta"]))

    first, last = find_pair(rope.get("beta_fast") or 32.0), find_pair(rope.get("beta_slow") or 1.0)
    if rope.get("truncate", True):
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, dims - 1)
    if first == last:
        last += 0.001
    blended = []
    for pair, frequency in enumerate(plain):
        stretched = min(max((pair - first) / (last - first), 0.0), 1.0)
        blended.append(stretched * frequency / factor + (1 - stretched) * frequency)
    return blended


def _stretch_as_yarn(rope: dict[str, Any], factor: float) -> float:
    def stretch(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1 if factor > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return rope["attention_factor"]
    scale, scale_all = rope.get("mscale"), rope.get("mscale_all_dim")
    return stretch(scale) / stretch(scale_all) if scale and scale_all else stretch(1.0)
