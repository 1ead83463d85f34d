"""The feed-forward block of a layer, and its mixture of experts."""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.models.activations import ACTIVATIONS
from byheart.models.decoder_config import DecoderConfig

_BLOCKS = 4
"""Blocks of tokens for each expert, if tokens choose evenly: more waste less, and read the weights more often."""


def mlp(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    """The output of the block for `states` [B, T, D], of the same shape."""
    return _experts(weights, config, states) if config.experts else _one(weights, config, states)


def linear(weights: Mapping[str, Array], name: str, letters: str, states: Array) -> Array:
    """`states` through the projection of that name, and its bias if it has one."""
    product = jnp.einsum(letters, states, weights[name])
    bias = weights.get(f"{name}_bias")
    return product if bias is None else product + bias


def _one(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    activation = functools.partial(ACTIVATIONS[config.activation], jax.nn)
    up = linear(weights, "up", "...d,fd->...f", states)
    inner = activation(linear(weights, "gate", "...d,fd->...f", states)) * up if config.gated else activation(up)
    # Else the compiler for TPUs computes it anew for each tile of the last product, and a layer of Llama-3.1-8B on v6e
    # takes 24.1 million cycles by its estimate instead of 10.3. The CPU's makes the same program of both.
    inner = jax.lax.optimization_barrier(inner)
    return linear(weights, "down", "...f,df->...d", inner)


def _experts(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    """The sum of the chosen experts' MLPs, weighted by the router's softmax over those alone.

    Tokens are gathered by expert, in blocks of one size, so that only chosen experts compute and every shape is known;
    where it was measured, on a CPU, that took 93 ms and `jax.lax.ragged_dot` 813 ms.
    Each pair of token t and expert x has a place; a block's rows beyond the last pair of its expert are wasted:

        chosen    t0 -> x1, x0    t1 -> x1, x2    t2 -> x1, x0
        blocks    x0 [t0 t2]   x1 [t0 t1]   x1 [t2  .]   x2 [t1  .]

    An expert wastes less than a block: together less than 1 / _BLOCKS of the work.
    """
    experts, each = config.experts, config.experts_per_token
    batch, tokens, embed = states.shape
    pairs = batch * tokens * each
    size = -(-pairs // (_BLOCKS * experts))
    blocks = pairs // size + experts  # the most that are needed, however the tokens choose

    scores = jnp.einsum("btd,xd->btx", states, weights["router"], preferred_element_type=jnp.float32)
    best, chosen = jax.lax.top_k(scores, each)
    is_chosen = chosen.reshape(pairs, 1) == jnp.arange(experts)
    nth_of_expert = jnp.sum(jnp.where(is_chosen, jnp.cumsum(is_chosen, axis=0) - 1, 0), axis=1)
    last_block = jnp.cumsum(-(-jnp.sum(is_chosen, axis=0) // size))  # the first that is not the expert's any more
    first_block = jnp.concatenate([jnp.zeros(1, last_block.dtype), last_block[:-1]])
    place = first_block[chosen.reshape(pairs)] * size + nth_of_expert
    token_at = jnp.zeros(blocks * size, jnp.int32).at[place].set(jnp.arange(pairs) // each)
    expert_of = jnp.minimum(jnp.searchsorted(last_block, jnp.arange(blocks), side="right"), experts - 1)

    rows = states.reshape(-1, embed)[token_at].reshape(blocks, size, embed)
    own = {name: weight for name, weight in weights.items() if name.removesuffix("_bias") in ("gate", "up", "down")}

    def block(block: tuple[Array, Array]) -> Array:
        rows, expert = block
        return _one({name: weight[expert] for name, weight in own.items()}, config, rows)

    made = jax.lax.map(block, (rows, expert_of)).reshape(-1, embed)[place].reshape(batch, tokens, each, embed)
    shares = jax.nn.softmax(best, axis=-1)
    return jnp.einsum("btn,btnd->btd", shares, made, preferred_element_type=jnp.float32).astype(states.dtype)
