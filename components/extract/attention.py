"""The attention of a layer: causal, of grouped heads, with rotary positions, and sliding where the config says so."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from byheart.components.extract.mlp import linear
from byheart.components.extract.norm import norm, softcap
from byheart.models.decoder_config import DecoderConfig

Positions = dict[str, Array]
"""What differs between kinds of layers: `cos` and `sin` [T, R / 2] of the R numbers of a head that are turned, and
`window`, how many positions a token sees."""


def layer_positions(config: DecoderConfig, tokens: int, dtype: DTypeLike) -> tuple[Positions, Array]:
    """The positions of each kind of layer, stacked, and the kind of each layer, int32 [L]."""
    layers = [(each.rope, min(each.window or tokens, tokens)) for each in config.expand_attention()]
    kinds = list(dict.fromkeys(layers))
    frequencies = np.stack([rope.compute_inverse_frequencies(config.head_dim, tokens) for rope, _ in kinds])
    scale = jnp.array([rope.attention_factor for rope, _ in kinds], jnp.float32)[:, None, None]
    angles = jnp.arange(tokens)[:, None] * jnp.asarray(frequencies, jnp.float32)[:, None]
    positions = {
        "cos": (jnp.cos(angles) * scale).astype(dtype),
        "sin": (jnp.sin(angles) * scale).astype(dtype),
        "window": jnp.array([window for _, window in kinds], jnp.int32),
    }
    return positions, jnp.array([kinds.index(layer) for layer in layers], jnp.int32)


def attention(weights: Mapping[str, Array], config: DecoderConfig, states: Array, positions: Positions) -> Array:
    """The output of attention for `states` [B, T, D], of the same shape."""
    batch, tokens, _ = states.shape
    query = linear(weights, "query", "btd,hed->bthe", states)
    key = linear(weights, "key", "btd,ked->btke", states)
    value = linear(weights, "value", "btd,ked->btke", states)
    if config.query_key_norm:
        axes = (-2, -1) if config.query_key_norm == "width" else (-1,)
        query, key = norm(weights, "query_norm", query, config, axes), norm(weights, "key_norm", key, config, axes)
    query, key = _rotate(query, positions), _rotate(key, positions)

    # Heads first: a CPU multiplies batches of matrices that lie in one piece.
    grouped = query.reshape(batch, tokens, config.kv_heads, -1, config.head_dim).transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 3, 1), value.transpose(0, 2, 1, 3)
    scores = jnp.einsum("bkgte,bkeu->bkgtu", grouped, key, preferred_element_type=jnp.float32)
    scale = config.head_dim**-0.5 if config.attention_scale is None else config.attention_scale
    scores = softcap(scores * scale, config.attention_softcap)
    distance = jnp.arange(tokens)[:, None] - jnp.arange(tokens)
    scores = jnp.where((distance >= 0) & (distance < positions["window"]), scores, -jnp.inf)
    shares = jax.nn.softmax(scores, axis=-1).astype(states.dtype)
    mixed = jnp.einsum("bkgtu,bkue->bkgte", shares, value).transpose(0, 3, 1, 2, 4)
    return linear(weights, "output", "bthe,dhe->btd", mixed.reshape(query.shape))


def _rotate(states: Array, positions: Positions) -> Array:
    """Turn each pair (i, i + R/2) of the first R of [B, T, heads, E] by its position's angle."""
    cos, sin = positions["cos"][:, None, :], positions["sin"][:, None, :]
    turned = 2 * cos.shape[-1]
    left, right, rest = jnp.split(states, (turned // 2, turned), axis=-1)
    return jnp.concatenate([left * cos - right * sin, right * cos + left * sin, rest], axis=-1)
