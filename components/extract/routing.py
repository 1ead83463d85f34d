"""The router's choice of experts for each token."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.models.experts import Experts

_LEAST_SUM = 1e-20
"""What is added to a sum of shares before it divides them, as in DeepSeek's code."""


def choose_experts(weights: Mapping[str, Array], experts: Experts, states: Array) -> tuple[Array, Array]:
    """The chosen experts of each token, int32 [R, N], and the share of each, float32.

    Args:
        states: [R, D].
    """
    logits = jnp.einsum("rd,xd->rx", states, weights["router"], preferred_element_type=jnp.float32)
    if "router_bias" in weights:
        logits += weights["router_bias"].astype(jnp.float32)
    if experts.score == "softmax" and experts.normalized and experts.groups == 1:
        best, chosen = jax.lax.top_k(logits, experts.per_token)
        return chosen, jax.nn.softmax(best, axis=-1) * experts.scale
    scores = jax.nn.softmax(logits, axis=-1) if experts.score == "softmax" else jax.nn.sigmoid(logits)
    ranked = scores if experts.groups > 1 else logits  # of the same order, and without ties where sigmoids are 1
    if "router_correction" in weights:
        ranked = scores + weights["router_correction"]
    _, chosen = jax.lax.top_k(_keep_best_groups(experts, ranked), experts.per_token)
    shares = jnp.take_along_axis(scores, chosen, axis=-1)
    if experts.normalized:
        shares /= jnp.sum(shares, axis=-1, keepdims=True) + _LEAST_SUM
    return chosen, shares * experts.scale


def _keep_best_groups(experts: Experts, scores: Array) -> Array:
    """Scores [R, X], -inf in the groups that are not among the best."""
    if experts.groups == 1:
        return scores
    grouped = scores.reshape(*scores.shape[:-1], experts.groups, -1)
    totals = jnp.sum(jax.lax.top_k(grouped, experts.best_of_group)[0], axis=-1)
    _, best = jax.lax.top_k(totals, experts.groups_per_token)
    is_best = jnp.any(best[..., None] == jnp.arange(experts.groups), axis=-2)
    return jnp.where(is_best[..., None], grouped, -jnp.inf).reshape(scores.shape)
