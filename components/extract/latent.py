"""Queries, keys and values of multi-head latent attention."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from byheart.components.extract.mlp import project
from byheart.components.extract.norm import normalize
from byheart.components.extract.rotary import Positions, rotate
from byheart.models.decoder_config import DecoderConfig
from byheart.models.latent import LatentAttention


def make_latent_heads(
    weights: Mapping[str, Array], config: DecoderConfig, latent: LatentAttention, states: Array, positions: Positions
) -> tuple[Array, Array, Array]:
    """Queries and keys [B, T, H, E], rotated, and values [B, T, H, value_dim], of `states` [B, T, D]."""
    plain = config.head_dim - latent.rope_dim

    def turn(heads: Array) -> Array:
        return rotate(heads, positions, interleaved=config.rope_interleaved)

    if latent.query_rank is None:
        query = project(weights, "query", "btd,hed->bthe", states)
    else:
        low = project(weights, "query_down", "btd,rd->btr", states)
        low = normalize(weights, "query_down_norm", low, config, epsilon=latent.norm_epsilon)
        query = project(weights, "query_up", "btr,her->bthe", low)
    query = jnp.concatenate([query[..., :plain], turn(query[..., plain:])], axis=-1)

    low = project(weights, "key_value_down", "btd,rd->btr", states)
    shared = turn(low[:, :, None, latent.rank :])
    low = normalize(weights, "key_value_down_norm", low[..., : latent.rank], config, epsilon=latent.norm_epsilon)
    key_value = project(weights, "key_value_up", "btr,her->bthe", low)
    key, value = key_value[..., :plain], key_value[..., plain:]
    shared = jnp.broadcast_to(shared, (*key.shape[:-1], latent.rope_dim))
    return query, jnp.concatenate([key, shared], axis=-1), value
