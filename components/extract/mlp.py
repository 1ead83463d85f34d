"""The feed-forward block of a layer, and its mixture of experts."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.routing import choose_experts
from byheart.models.activations import ACTIVATIONS, LEARNED
from byheart.models.decoder_config import DecoderConfig
from byheart.models.experts import Experts

TRANSPOSED = "_transposed"
"""The ending of a matrix's name where it is [input, output]."""
_BLOCKS = 4
"""Blocks for each expert, if tokens choose evenly. More blocks waste less, and read the weights more often."""


def apply_mlp(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    """The output of the block for `states` [R, D], of the same shape."""
    if config.experts is None or "router" not in weights:
        return _apply_one_mlp(weights, config, states)
    mixed = _mix_experts(weights, config, config.experts, states)
    return mixed + _share_expert(weights, config, states) if config.experts.shared_ffn else mixed


def project(weights: Mapping[str, Array], name: str, letters: str, states: Array) -> Array:
    """The projection `name` of `states`, with its bias if it has one; `letters` are the einsum's."""
    transposed = weights.get(f"{name}{TRANSPOSED}")
    product = jnp.einsum(letters, states, weights[name]) if transposed is None else states @ transposed
    bias = weights.get(f"{name}_bias")
    return product if bias is None else product + bias


def _apply_one_mlp(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    learned = [weights[name].astype(jnp.float32) for name in LEARNED.get(config.activation, ())]

    def activation(states: Array) -> Array:
        activated: Array = ACTIVATIONS[config.activation](jax.nn, states, *learned)
        return activated

    up = project(weights, "up", "...d,fd->...f", states)
    if config.gated:
        gate = project(weights, "gate", "...d,fd->...f", states)
        limit = config.gate_limit
        inner = activation(gate) * up if limit is None else _clamp_gate(gate, up, limit, config.gate_slope)
    else:
        inner = activation(up)
    # Without the barrier the TPU compiler computes `inner` again for each tile of the last product: it estimates 24.1
    # million cycles for a layer of Llama-3.1-8B on v6e instead of 10.3. The CPU's compiler ignores the barrier.
    inner = jax.lax.optimization_barrier(inner)
    return project(weights, "down", "...f,df->...d", inner)


def _clamp_gate(gate: Array, up: Array, limit: float, slope: float) -> Array:
    """Gate times its sigmoid, steepened, times up plus 1; both are cut to the limit first."""
    gate, up = jnp.minimum(gate, limit), jnp.clip(up, -limit, limit)
    return gate * jax.nn.sigmoid(slope * gate) * (up + 1)


def _select(weights: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The weights of an MLP under the names that one alone has."""
    names = [f"{name}{ending}" for name in ("gate", "up", "down") for ending in ("", "_bias")]
    return {name: weights[f"{prefix}{name}"] for name in names if f"{prefix}{name}" in weights}


def _share_expert(weights: Mapping[str, Array], config: DecoderConfig, states: Array) -> Array:
    """The output of the expert that all tokens share."""
    output = _apply_one_mlp(_select(weights, "shared_"), config, states)
    if "shared_router" not in weights:
        return output
    return output * jax.nn.sigmoid(jnp.einsum("rd,od->ro", states, weights["shared_router"]))


def _mix_experts(weights: Mapping[str, Array], config: DecoderConfig, experts: Experts, states: Array) -> Array:
    """The sum of the chosen experts' MLPs, each weighted by its share.

    Tokens are sorted by expert into blocks of one size, so that only chosen experts compute and all shapes are static.
    On a CPU that took 93 ms, and `jax.lax.ragged_dot` 813 ms. Each pair of a token t and an expert x has a row; the
    rows of a block after the last pair of its expert are wasted:

        chosen    t0 -> x1, x0    t1 -> x1, x2    t2 -> x1, x0
        blocks    x0 [t0 t2]   x1 [t0 t1]   x1 [t2  .]   x2 [t1  .]

    An expert wastes less than one block, so all experts waste less than 1 / _BLOCKS of the work.
    """
    count, per_token = experts.count, experts.per_token
    tokens, embed = states.shape
    pairs = tokens * per_token
    size = -(-pairs // (_BLOCKS * count))
    blocks = pairs // size + count  # enough for any choice of the tokens

    chosen, shares = choose_experts(weights, experts, states)
    is_chosen = chosen.reshape(pairs, 1) == jnp.arange(count)
    nth_of_expert = jnp.sum(jnp.where(is_chosen, jnp.cumsum(is_chosen, axis=0) - 1, 0), axis=1)
    stop_block = jnp.cumsum(-(-jnp.sum(is_chosen, axis=0) // size))  # the first block after the expert's own
    start_block = jnp.concatenate([jnp.zeros(1, stop_block.dtype), stop_block[:-1]])
    row_of_pair = start_block[chosen.reshape(pairs)] * size + nth_of_expert
    token_of_row = jnp.zeros(blocks * size, jnp.int32).at[row_of_pair].set(jnp.arange(pairs) // per_token)
    expert_of_block = jnp.minimum(jnp.searchsorted(stop_block, jnp.arange(blocks), side="right"), count - 1)

    rows = states[token_of_row]
    if experts.scaled_input:
        share_of_row = jnp.zeros(blocks * size, jnp.float32).at[row_of_pair].set(shares.reshape(pairs))
        rows, shares = rows * share_of_row[:, None].astype(states.dtype), jnp.ones_like(shares)
    rows = rows.reshape(blocks, size, embed)
    stacks = _select(weights, "expert_")

    def apply_expert(block: tuple[Array, Array]) -> Array:
        rows, expert = block
        return _apply_one_mlp({name: stack[expert] for name, stack in stacks.items()}, config, rows)

    outputs = jax.lax.map(apply_expert, (rows, expert_of_block)).reshape(-1, embed)
    outputs = outputs[row_of_pair].reshape(tokens, per_token, embed)
    return jnp.einsum("rn,rnd->rd", shares, outputs, preferred_element_type=jnp.float32).astype(states.dtype)
