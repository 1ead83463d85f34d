"""Linear attention: the gated delta rule, with all tokens of a window as one chunk, which is exact."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.mlp import project
from byheart.components.extract.norm import normalize
from byheart.models.activations import ACTIVATIONS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.linear import LinearAttention

_EPSILON = 1e-6
"""Of the lengths of queries and keys, as in transformers."""


def attend_linearly(
    weights: Mapping[str, Array], config: DecoderConfig, linear: LinearAttention, states: Array
) -> Array:
    """The output for `states` [B, T, D], of the same shape.

    In the paper's letters (section 3.3), with M the decay between two tokens:
    U = (I + strictly lower(diag(beta) K K^T * M))^-1 diag(beta) V, and the output is (Q K^T * M) U.
    """
    batch, tokens, _ = states.shape
    query, key, value = _make_heads(weights, config, linear, states)
    beta, decay = (
        project(weights, f"linear_{name}", "btd,kgd->btkg", states).astype(jnp.float32) for name in ("beta", "decay")
    )
    rate, step = (weights[f"linear_{name}"].astype(jnp.float32) for name in ("rate", "step"))
    log_decay = -jnp.exp(rate) * jax.nn.softplus(decay + step)

    def put_heads_first(numbers: Array) -> Array:
        return numbers.reshape(batch, tokens, linear.value_heads).transpose(0, 2, 1)

    beta, faded = jax.nn.sigmoid(put_heads_first(beta)), jnp.cumsum(put_heads_first(log_decay), axis=-1)
    at = jnp.arange(tokens)
    between = faded[..., :, None] - faded[..., None, :]
    between = jnp.exp(jnp.where(at <= at[:, None], between, -jnp.inf))
    system = jnp.einsum("bhte,bhue->bhtu", key * beta[..., None], key) * between
    system = jnp.where(at < at[:, None], system, 0.0) + jnp.eye(tokens)
    written = jax.lax.linalg.triangular_solve(
        system, value * beta[..., None], left_side=True, lower=True, unit_diagonal=True
    )
    read = jnp.einsum("bhtu,bhue->bthe", jnp.einsum("bhte,bhue->bhtu", query, key) * between, written)
    normed = normalize(weights, "linear_norm", read.astype(states.dtype), config, offset=0.0)
    gate = project(weights, "linear_gate", "btd,hed->bthe", states)
    return project(weights, "linear_output", "bthe,dhe->btd", normed * jax.nn.silu(gate))


def _make_heads(
    weights: Mapping[str, Array], config: DecoderConfig, linear: LinearAttention, states: Array
) -> tuple[Array, Array, Array]:
    """Queries, keys and values of each value head, float32 [B, H, T, E]; queries and keys have length 1."""
    batch, tokens, _ = states.shape
    joined = jnp.concatenate(
        [
            project(weights, f"linear_{name}", "btd,hed->bthe", states).reshape(batch, tokens, -1)
            for name in ("query", "key", "value")
        ],
        axis=-1,
    )
    before = jnp.pad(joined, ((0, 0), (linear.kernel - 1, 0), (0, 0)))
    kernel = weights["linear_kernel"][:, 0]
    mixed = sum(before[:, at : at + tokens] * kernel[:, at] for at in range(linear.kernel))
    mixed = ACTIVATIONS[config.activation](jax.nn, mixed).astype(jnp.float32)
    heads = mixed.reshape(batch, tokens, -1, linear.head_dim).transpose(0, 2, 1, 3)
    query, key, value = jnp.split(heads, (linear.key_heads, 2 * linear.key_heads), axis=1)
    query, key = (
        jnp.repeat(
            each * jax.lax.rsqrt(jnp.sum(each * each, axis=-1, keepdims=True) + _EPSILON),
            linear.value_heads // linear.key_heads,
            axis=1,
        )
        for each in (query, key)
    )
    return query * linear.head_dim**-0.5, key, value
