"""The attention of a layer: causal, with grouped heads, rotary positions, and a sliding window if it has one."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from byheart.components.extract.mlp import project
from byheart.components.extract.norm import normalize, softcap
from byheart.models.decoder_config import Attention, DecoderConfig

Positions = dict[str, Array]
"""`cos` and `sin` [T, R / 2], where R numbers of a head are rotated; `window`, how many positions a token attends to;
and `scale` [T, 1], the factor of the products of a query and its keys: these differ between kinds of layers."""


def compute_positions(config: DecoderConfig, tokens: int, dtype: DTypeLike) -> tuple[Positions, Array]:
    """The positions of each kind of layer, stacked, and the kind of each layer, int32 [L]."""
    layers = [
        dataclasses.replace(kind, window=min(kind.window or tokens, tokens)) for kind in config.expand_attention()
    ]
    kinds = list(dict.fromkeys(layers))
    pairs = max((kind.rope.count_rotated(config.head_dim) // 2 for kind in kinds if kind.rope), default=1)
    frequencies = np.zeros((len(kinds), pairs))  # a frequency of 0 rotates nothing, exactly
    for row, kind in zip(frequencies, kinds, strict=True):
        if kind.rope:
            row[:] = kind.rope.compute_inverse_frequencies(config.head_dim, tokens)
    factors = [kind.rope.attention_factor if kind.rope else 1.0 for kind in kinds]
    stretch = jnp.array(factors, jnp.float32)[:, None, None]
    angles = jnp.arange(tokens)[:, None] * jnp.asarray(frequencies, jnp.float32)[:, None]
    positions = {
        "cos": (jnp.cos(angles) * stretch).astype(dtype),
        "sin": (jnp.sin(angles) * stretch).astype(dtype),
        "window": jnp.array([kind.window for kind in kinds], jnp.int32),
        "scale": jnp.array([_compute_scale(config, kind, tokens) for kind in kinds], jnp.float32)[:, :, None],
    }
    return positions, jnp.array([kinds.index(layer) for layer in layers], jnp.int32)


def _compute_scale(config: DecoderConfig, kind: Attention, tokens: int) -> np.ndarray:
    """The factor of the products of the query of each of `tokens` positions."""
    scale = config.head_dim**-0.5 if config.attention_scale is None else config.attention_scale
    growth = kind.query_growth.compute_factors(tokens) if kind.query_growth else np.ones(tokens)
    return scale * kind.scale * growth


def attend(weights: Mapping[str, Array], config: DecoderConfig, states: Array, positions: Positions) -> Array:
    """The output of attention for `states` [B, T, D], of the same shape."""
    batch, tokens, _ = states.shape
    query = project(weights, "query", "btd,hed->bthe", states)
    key = project(weights, "key", "btd,ked->btke", states)
    value = project(weights, "value", "btd,ked->btke", states)
    if config.query_key_norm and not config.norm_after_rope:
        query, key = _normalize_queries_and_keys(weights, config, query, key)
    if config.query_key_value_clip:
        limit = config.query_key_value_clip
        query, key, value = (jnp.clip(heads, -limit, limit) for heads in (query, key, value))
    if any(kind.rope for kind in config.attention):
        query, key = (_rotate(heads, positions, interleaved=config.rope_interleaved) for heads in (query, key))
    if config.query_key_norm and config.norm_after_rope:
        query, key = _normalize_queries_and_keys(weights, config, query, key)

    # Heads first, since a CPU multiplies batches of contiguous matrices.
    grouped = query.reshape(batch, tokens, config.kv_heads, -1, config.head_dim).transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 3, 1), value.transpose(0, 2, 1, 3)
    scores = jnp.einsum("bkgte,bkeu->bkgtu", grouped, key, preferred_element_type=jnp.float32)
    scores = softcap(scores * positions["scale"], config.attention_softcap)
    distance = jnp.arange(tokens)[:, None] - jnp.arange(tokens)
    scores = jnp.where((distance >= 0) & (distance < positions["window"]), scores, -jnp.inf)
    shares = jax.nn.softmax(scores, axis=-1).astype(states.dtype)
    mixed = jnp.einsum("bkgtu,bkue->bkgte", shares, value).transpose(0, 3, 1, 2, 4)
    return project(weights, "output", "bthe,dhe->btd", mixed.reshape(query.shape))


def _normalize_queries_and_keys(
    weights: Mapping[str, Array], config: DecoderConfig, query: Array, key: Array
) -> tuple[Array, Array]:
    axes = (-2, -1) if config.query_key_norm == "width" else (-1,)
    return (
        normalize(weights, "query_norm", query, config, axes),
        normalize(weights, "key_norm", key, config, axes),
    )


def _rotate(states: Array, positions: Positions, *, interleaved: bool) -> Array:
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
