"""The attention of a layer: causal, with grouped heads, rotary positions, and a sliding window if it has one."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.latent import make_latent_heads
from byheart.components.extract.linear import attend_linearly
from byheart.components.extract.mlp import project
from byheart.components.extract.norm import divide_by_root_mean_square, normalize, softcap
from byheart.components.extract.rotary import Positions, rotate
from byheart.models.decoder_config import DecoderConfig


def attend(weights: Mapping[str, Array], config: DecoderConfig, states: Array, positions: Positions) -> Array:
    """The output of attention for `states` [B, T, D], of the same shape."""
    if config.linear and "linear_query" in weights:
        return attend_linearly(weights, config, config.linear, states)
    batch, tokens, _ = states.shape
    if config.latent:
        query, key, value = make_latent_heads(weights, config, config.latent, states, positions)
    else:
        query, key, value = _make_heads(weights, config, states, positions)

    # Heads first, since a CPU multiplies batches of contiguous matrices.
    grouped = query.reshape(batch, tokens, config.kv_heads, -1, config.head_dim).transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 3, 1), value.transpose(0, 2, 1, 3)
    scores = jnp.einsum("bkgte,bkeu->bkgtu", grouped, key, preferred_element_type=jnp.float32)
    scores = softcap(scores * positions["scale"], config.attention_softcap)
    at = jnp.arange(tokens)
    scores = jnp.where((at <= at[:, None]) & (at >= positions["first"][:, None]), scores, -jnp.inf)
    if config.attention_sinks:
        sinks = weights["sinks"].astype(jnp.float32).reshape(config.kv_heads, -1, 1)
        total = jnp.logaddexp(jax.nn.logsumexp(scores, axis=-1), sinks)
        shares = jnp.exp(scores - total[..., None]).astype(states.dtype)
    else:
        shares = jax.nn.softmax(scores, axis=-1).astype(states.dtype)
    mixed = jnp.einsum("bkgtu,bkue->bkgte", shares, value).transpose(0, 3, 1, 2, 4)
    mixed = mixed.reshape(batch, tokens, config.heads, -1)
    if config.output_gate:
        mixed *= jax.nn.sigmoid(project(weights, "query_gate", "btd,hed->bthe", states))
    return project(weights, "output", "bthe,dhe->btd", mixed)


def _make_heads(
    weights: Mapping[str, Array], config: DecoderConfig, states: Array, positions: Positions
) -> tuple[Array, Array, Array]:
    """Queries [B, T, H, E], rotated, keys [B, T, K, E], rotated, and values [B, T, K, E]."""
    query = project(weights, "query", "btd,hed->bthe", states)
    key = project(weights, "key", "btd,ked->btke", states)
    value = project(weights, "value", "btd,ked->btke", states)
    if config.query_key_norm and not config.norm_after_rope:
        query, key = _normalize_queries_and_keys(weights, config, query, key)
    if config.query_key_value_clip:
        limit = config.query_key_value_clip
        query, key, value = (jnp.clip(heads, -limit, limit) for heads in (query, key, value))
    if any(kind.rope for kind in config.attention):
        query, key = (rotate(heads, positions, interleaved=config.rope_interleaved) for heads in (query, key))
    if config.query_key_norm and config.norm_after_rope:
        query, key = _normalize_queries_and_keys(weights, config, query, key)
    if any(kind.unit_norm for kind in config.attention):
        query, key = (
            jnp.where(positions["unit"], divide_by_root_mean_square(heads, config.norm_epsilon), heads)
            for heads in (query, key)
        )
    return query, key, value


def _normalize_queries_and_keys(
    weights: Mapping[str, Array], config: DecoderConfig, query: Array, key: Array
) -> tuple[Array, Array]:
    axes = (-2, -1) if config.query_key_norm == "width" else (-1,)
    return (
        normalize(weights, "query_norm", query, config, axes),
        normalize(weights, "key_norm", key, config, axes),
    )
