"""The attention of a layer: causal, with grouped heads, rotary positions, and a sliding window if it has one."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.latent import make_latent_heads
from byheart.components.extract.linear import attend_linearly
from byheart.components.extract.mlp import project
from byheart.components.extract.norm import divide_by_root_mean_square, normalize, softcap
from byheart.components.extract.rotary import Positions, rotate
from byheart.models.decoder_config import DecoderConfig

MixRows = Callable[[DecoderConfig, Array, Array, Array, Positions], Array]
"""Mixed values [R, H E] from queries [R, H E], keys and values [R, K E] that are not rotated yet, and positions."""


def attend(
    weights: Mapping[str, Array],
    config: DecoderConfig,
    states: Array,
    positions: Positions,
    kernel: MixRows | None = None,
    query_blocks: int = 1,
) -> Array:
    """The output of attention for `states` [R, D], of the same shape.

    Args:
        kernel: takes the place of rotation and mixing.
        query_blocks: blocks of a window's positions, each of which meets only the keys up to its last.
    """
    windows = states.reshape(-1, len(positions["first"]), states.shape[-1])
    if config.linear and "linear_query" in weights:
        return attend_linearly(weights, config, config.linear, windows).reshape(states.shape)
    if config.latent:
        heads = make_latent_heads(weights, config, config.latent, windows, positions)
        mixed = _mix(weights, config, *heads, positions, query_blocks)
    else:
        query, key, value = _make_rows(weights, config, states)
        if kernel:
            mixed = kernel(config, query, key, value, positions)
        else:
            heads = _make_heads(weights, config, query, key, value, positions)
            mixed = _mix(weights, config, *heads, positions, query_blocks)
    if config.output_gate:
        mixed *= jax.nn.sigmoid(_project_rows(weights, "query_gate", states))
    return project(weights, "output", "ra,da->rd", mixed)


def _mix(
    weights: Mapping[str, Array],
    config: DecoderConfig,
    query: Array,
    key: Array,
    value: Array,
    positions: Positions,
    query_blocks: int,
) -> Array:
    """The mixed values [R, H E] of queries [B, T, H, E], keys and values [B, T, K, E]."""
    batch, tokens = query.shape[:2]
    # Heads first, since a CPU multiplies batches of contiguous matrices.
    grouped = query.reshape(batch, tokens, config.kv_heads, -1, config.head_dim).transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 3, 1), value.transpose(0, 2, 1, 3)

    def mix_block(start: int, stop: int) -> Array:
        queries, keys, values = grouped[:, :, :, start:stop], key[..., :stop], value[:, :, :stop]
        scores = jnp.einsum("bkgte,bkeu->bkgtu", queries, keys, preferred_element_type=jnp.float32)
        scores = softcap(scores * positions["scale"][start:stop], config.attention_softcap)
        at, first = jnp.arange(start, stop)[:, None], positions["first"][start:stop, None]
        scores = jnp.where((jnp.arange(stop) <= at) & (jnp.arange(stop) >= first), scores, -jnp.inf)
        if config.attention_sinks:
            sinks = weights["sinks"].astype(jnp.float32).reshape(config.kv_heads, -1, 1)
            total = jnp.logaddexp(jax.nn.logsumexp(scores, axis=-1), sinks)
            shares = jnp.exp(scores - total[..., None]).astype(value.dtype)
        else:
            shares = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
        return jnp.einsum("bkgtu,bkue->bkgte", shares, values)

    size = -(-tokens // query_blocks)
    blocks = [mix_block(start, min(start + size, tokens)) for start in range(0, tokens, size)]
    return jnp.concatenate(blocks, axis=3).transpose(0, 3, 1, 2, 4).reshape(batch * tokens, -1)


def _make_rows(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> tuple[Array, Array, Array]:
    """Queries [R, H E], keys and values [R, K E], not rotated."""
    query, key, value = (_project_rows(weights, name, states) for name in ("query", "key", "value"))
    if config.query_key_norm and not config.norm_after_rope:
        query, key = _normalize_queries_and_keys(
            weights, config, *(rows.reshape(len(rows), -1, config.head_dim) for rows in (query, key))
        )
        query, key = query.reshape(len(query), -1), key.reshape(len(key), -1)
    if config.query_key_value_clip:
        limit = config.query_key_value_clip
        query, key, value = (jnp.clip(rows, -limit, limit) for rows in (query, key, value))
    return query, key, value


def _project_rows(weights: Mapping[str, Array], name: str, states: Array) -> Array:
    """The projection `name` of rows [R, D], with the numbers of all heads in a row, [R, H E]."""
    matrix = weights[name]
    product = jnp.einsum("rd,ad->ra", states, matrix.reshape(-1, matrix.shape[-1]))
    bias = weights.get(f"{name}_bias")
    return product if bias is None else product + bias.reshape(-1)


def _make_heads(
    weights: Mapping[str, Array],
    config: DecoderConfig,
    query: Array,
    key: Array,
    value: Array,
    positions: Positions,
) -> tuple[Array, Array, Array]:
    """Queries [B, T, H, E], rotated, keys [B, T, K, E], rotated, and values [B, T, K, E], of rows."""
    query, key, value = split_heads(config, query, key, value, positions)
    if config.query_key_norm and config.norm_after_rope:
        query, key = _normalize_queries_and_keys(weights, config, query, key)
    if any(kind.unit_norm for kind in config.attention):
        query, key = (
            jnp.where(positions["unit"], divide_by_root_mean_square(heads, config.norm_epsilon), heads)
            for heads in (query, key)
        )
    return query, key, value


def split_heads(
    config: DecoderConfig, query: Array, key: Array, value: Array, positions: Positions
) -> tuple[Array, Array, Array]:
    """Rows [R, H E] and [R, K E] as heads of each token, [B, T, H, E] and [B, T, K, E], queries and keys rotated."""
    tokens = len(positions["first"])
    query, key, value = (
        rows.reshape(-1, tokens, rows.shape[-1] // config.head_dim, config.head_dim) for rows in (query, key, value)
    )
    if any(kind.rope for kind in config.attention):
        query, key = (rotate(heads, positions, interleaved=config.rope_interleaved) for heads in (query, key))
    return query, key, value


def _normalize_queries_and_keys(
    weights: Mapping[str, Array], config: DecoderConfig, query: Array, key: Array
) -> tuple[Array, Array]:
    axes = (-2, -1) if config.query_key_norm == "width" else (-1,)
    return (
        normalize(weights, "query_norm", query, config, axes),
        normalize(weights, "key_norm", key, config, axes),
    )
