"""Positions: rotary embedding, and what a token attends to."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from byheart.models.decoder_config import Attention, DecoderConfig

Positions = dict[str, Array]
"""What differs between kinds of layers: `cos` and `sin` [T, R / 2], where R numbers of a head are rotated; `first` [T],
the first position that a token attends to; `scale` [T, 1], the factor of the products of a query and its keys; and
`unit`, whether queries and keys are divided by their root mean square."""


def compute_positions(config: DecoderConfig, tokens: int, dtype: DTypeLike) -> tuple[Positions, Array]:
    """The positions of each kind of layer, stacked, and the kind of each layer, int32 [L]."""
    layers = [
        dataclasses.replace(kind, window=min(kind.window or tokens, tokens)) for kind in config.expand_attention()
    ]
    kinds = list(dict.fromkeys(layers))
    pairs = max((kind.rope.count_rotated(config.rotary_dim) // 2 for kind in kinds if kind.rope), default=1)
    frequencies = np.zeros((len(kinds), pairs))  # a frequency of 0 rotates nothing, exactly
    for row, kind in zip(frequencies, kinds, strict=True):
        if kind.rope:
            row[:] = kind.rope.compute_inverse_frequencies(config.rotary_dim, tokens)
    factors = np.array([kind.rope.attention_factor if kind.rope else 1.0 for kind in kinds])[:, None, None]
    # In float64, which costs nothing, since these are constants. A float32 angle of 100 radians is off by 4e-6: such
    # angles made up to 6 times the error that is left, in models that magnify rounding.
    angles = np.arange(tokens)[:, None] * frequencies[:, None]
    positions = {
        "cos": jnp.asarray(np.cos(angles) * factors, dtype),
        "sin": jnp.asarray(np.sin(angles) * factors, dtype),
        "first": jnp.array([_find_first(kind, tokens) for kind in kinds], jnp.int32),
        "scale": jnp.array([_compute_scale(config, kind, tokens) for kind in kinds], jnp.float32)[:, :, None],
        "unit": jnp.array([kind.unit_norm for kind in kinds]),
    }
    return positions, jnp.array([kinds.index(layer) for layer in layers], jnp.int32)


def find_causal_scale(config: DecoderConfig, tokens: int) -> float | None:
    """The factor of all products of queries and keys, if each token attends to all before it in every layer.

    None where a layer attends to fewer, or factors differ.
    """
    kinds = config.expand_attention()
    if any(_find_first(kind, tokens).any() for kind in kinds):
        return None
    scales = {float(scale) for kind in kinds for scale in _compute_scale(config, kind, tokens)}
    return scales.pop() if len(scales) == 1 else None


def rotate(states: Array, positions: Positions, *, interleaved: bool) -> Array:
    """Rotate each pair of the first R numbers of [B, T, heads, E] by its position's angle.

    Interleaved pairs (2i, 2i + 1) are moved to (i, i + R/2): queries and keys alike, so their products stay the same.
    """
    cos, sin = positions["cos"][:, None, :], positions["sin"][:, None, :]
    rotated = 2 * cos.shape[-1]
    if interleaved:
        left, right, rest = states[..., :rotated:2], states[..., 1:rotated:2], states[..., rotated:]
    else:
        left, right, rest = jnp.split(states, (rotated // 2, rotated), axis=-1)
    return jnp.concatenate([left * cos - right * sin, right * cos + left * sin, rest], axis=-1)


def _find_first(kind: Attention, tokens: int) -> np.ndarray:
    """The first position that each of `tokens` attends to."""
    at = np.arange(tokens)
    return np.maximum(at - (kind.window or tokens) + 1, at // kind.chunk * kind.chunk if kind.chunk else 0)


def _compute_scale(config: DecoderConfig, kind: Attention, tokens: int) -> np.ndarray:
    """The factor of the products of the query of each of `tokens` positions."""
    scale = config.head_dim**-0.5 if config.attention_scale is None else config.attention_scale
    growth = kind.query_growth.compute_factors(tokens) if kind.query_growth else np.ones(tokens)
    return scale * kind.scale * growth
