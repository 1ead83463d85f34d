"""The attention of a layer: causal, with grouped heads, rotary positions, and a sliding window if it has one."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from byheart.components.extract.mlp import project
from byheart.components.extract.norm import normalize, softcap
from byheart.models.decoder_config import DecoderConfig

Positions = dict[str, Array]
"""`cos` and `sin` [T, R / 2], where R numbers of a head are rotated; `window`, how many positions a token attends to;
and `scale`, the factor of the products of query and key: these differ between kinds of layers."""


def compute_positions(config: DecoderConfig, tokens: int, dtype: DTypeLike) -> tuple[Positions, Array]:
    """The positions of each kind of layer, stacked, and the kind of each layer, int32 [L]."""
    layers = [(kind.rope, min(kind.window or tokens, tokens), kind.scale) for kind in config.expand_attention()]
    kinds = list(dict.fromkeys(layers))
    pairs = max((rope.count_rotated(config.head_dim) // 2 for rope, _, _ in kinds if rope), default=1)
    frequencies = np.zeros((len(kinds), pairs))  # a frequency of 0 rotates nothing, exactly
    for row, (rope, _, _) in zip(frequencies, kinds, strict=True):
        if rope:
            row[:] = rope.compute_inverse_frequencies(config.head_dim, tokens)
    factors = jnp.array([rope.attention_factor if rope else 1.0 for rope, _, _ in kinds], jnp.float32)[:, None, None]
    angles = jnp.arange(tokens)[:, None] * jnp.asarray(frequencies, jnp.float32)[:, None]
    scale = config.head_dim**-0.5 if config.attention_scale is None else config.attention_scale
    positions = {
        "cos": (jnp.cos(angles) * factors).astype(dtype),
        "sin": (jnp.sin(angles) * factors).astype(dtype),
        "window": jnp.array([window for _, window, _ in kinds], jnp.int32),
        "scale": jnp.array([scale * factor for _, _, factor in kinds], jnp.float32),
    }
    return positions, jnp.array([kinds.index(layer) for layer in layers], jnp.int32)


def attend(weights: Mapping[str, Array], config: DecoderConfig, states: Array, positions: Positions) -> Array:
    """The output of attention for `states` [B, T, D], of the same shape."""
    batch, tokens, _ = states.shape
    query = project(weights, "query", "btd,hed->bthe", states)
    key = project(weights, "key", "btd,ked->btke", states)
    value = project(weights, "value", "btd,ked->btke", states)
    if config.query_key_norm:
        axes = (-2, -1) if config.query_key_norm == "width" else (-1,)
        query = normalize(weights, "query_norm", query, config, axes)
        key = normalize(weights, "key_norm", key, config, axes)
    if any(kind.rope for kind in config.attention):
        query, key = (_rotate(heads, positions, interleaved=config.rope_interleaved) for heads in (query, key))

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
