"""The decoder's forward pass, as pure functions.

Array letters: B batch, T tokens, S scored tokens, D embed, H heads, K kv heads, G heads a kv head, E head_dim, F ffn,
V vocab, L layers. In an einsum they are lower case; `u` is T once more, on the keys' side.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from components.models.decoder_config import DecoderConfig

Params = dict[str, Any]
"""The whole model's parameters by name, and under `layers` each layer's, stacked on a first axis L."""


def hidden_states(
    params: Params,
    config: DecoderConfig,
    token_ids: Array,
    first: int = 0,
    *,
    look_up: Callable[[Array, Array], Array] = lambda table, ids: table[ids],
    whole: Callable[[Params], Params] = lambda weights: weights,
) -> Array:
    """The states after the final norm from position `first` on, [B, T - first, D] in the parameters' dtype.

    Args:
        token_ids: int32 [B, T]; position 0 is the first of each row.
        look_up: the rows of the embedding table, which may be divided over devices.
        whole: brings together what devices hold of a layer's weights, when its turn comes.
    """
    dtype = params["embed"].dtype
    positions = token_ids.shape[1]
    angles = jnp.arange(positions)[:, None] * jnp.asarray(config.rope.inverse_frequencies(config.head_dim), jnp.float32)
    rotation = jnp.cos(angles).astype(dtype), jnp.sin(angles).astype(dtype)

    with jax.named_scope("embed"):
        states = look_up(params["embed"], token_ids)

    def layer(states: Array, weights: Params) -> tuple[Array, None]:
        with jax.named_scope("weights"):
            weights = whole(weights)
        with jax.named_scope("attention"):
            states += _attention(weights, config, _rms_norm(states, weights["attention_norm"], config), rotation)
        with jax.named_scope("mlp"):
            states += _mlp(weights, _rms_norm(states, weights["mlp_norm"], config))
        return states, None

    states, _ = jax.lax.scan(layer, states, params["layers"])
    return _rms_norm(states[:, first:], params["final_norm"], config)


def logits(params: Params, hidden: Array) -> Array:
    """The logits of every row of the head, float32 [..., V], from hidden states [..., D]."""
    with jax.named_scope("head"):
        return jnp.einsum("...d,vd->...v", hidden, params[head_name(params)], preferred_element_type=jnp.float32)


def head_name(params: Params) -> str:
    """The parameter that is the head: the embedding table, where they are tied."""
    return "head" if "head" in params else "embed"


def _attention(weights: Params, config: DecoderConfig, states: Array, rotation: tuple[Array, Array]) -> Array:
    batch, positions, _ = states.shape
    query = _linear(weights, "query", "btd,hed->bthe", states)
    key = _linear(weights, "key", "btd,ked->btke", states)
    value = _linear(weights, "value", "btd,ked->btke", states)
    query, key = _rotate(query, rotation), _rotate(key, rotation)

    # Heads first: a CPU multiplies batches of matrices that lie in one piece.
    grouped = query.reshape(batch, positions, config.kv_heads, -1, config.head_dim).transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 3, 1), value.transpose(0, 2, 1, 3)
    scores = jnp.einsum("bkgte,bkeu->bkgtu", grouped, key, preferred_element_type=jnp.float32)
    causal = jnp.tril(jnp.ones((positions, positions), bool))
    scores = jnp.where(causal, scores * config.head_dim**-0.5, -jnp.inf)
    shares = jax.nn.softmax(scores, axis=-1).astype(states.dtype)
    mixed = jnp.einsum("bkgtu,bkue->bkgte", shares, value).transpose(0, 3, 1, 2, 4)
    return _linear(weights, "output", "bthe,dhe->btd", mixed.reshape(query.shape))


def _mlp(weights: Params, states: Array) -> Array:
    gate = _linear(weights, "gate", "btd,fd->btf", states)
    up = _linear(weights, "up", "btd,fd->btf", states)
    return _linear(weights, "down", "btf,df->btd", jax.nn.silu(gate) * up)


def _linear(weights: Params, name: str, letters: str, states: Array) -> Array:
    product = jnp.einsum(letters, states, weights[name])
    bias = weights.get(f"{name}_bias")
    return product if bias is None else product + bias


def _rms_norm(states: Array, weight: Array, config: DecoderConfig) -> Array:
    """Root-mean-square norm over D, in float32."""
    wide = states.astype(jnp.float32)
    scale = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + config.norm_epsilon)
    return (wide * scale).astype(states.dtype) * weight


def _rotate(states: Array, rotation: tuple[Array, Array]) -> Array:
    """Turn each pair (i, i + E/2) of [B, T, heads, E] by its position's angle."""
    cos, sin = (part[:, None, :] for part in rotation)
    left, right = jnp.split(states, 2, axis=-1)
    return jnp.concatenate([left * cos - right * sin, right * cos + left * sin], axis=-1)
