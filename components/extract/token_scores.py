"""The scores of tokens from logits, and the scores of windows from those of their tokens."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from byheart.components.extract.largest import find_kth_largest, find_largest
from byheart.contracts.logits import KeptLogits
from byheart.scores.scores import Scores


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenScores:
    """The scores of tokens: fields are [..., S], ranks and ids are int32, the others float32."""

    log_prob: Array
    """The log-probability at temperature 1, over the whole vocabulary."""
    rank: Array
    """The number of strictly greater logits."""
    top_id: Array
    """The token with the largest logit, the lowest id among equals."""
    log_top_k_mass: Array
    """The log of the top k's total probability, after temperature."""
    tempered_log_prob: Array
    """The log-probability after temperature."""
    logits: dict[str, Array] = dataclasses.field(default_factory=dict)
    """The logits that are kept, [..., R, N] each, by the names of `KeptLogits.arrays`; empty if none are."""


def score_tokens(
    logits: Array,
    targets: Array,
    *,
    temperature: float,
    top_k: int,
    find_kth: Callable[[Array, int], Array] = find_kth_largest,
) -> TokenScores:
    """The scores of `targets` [S] under float32 `logits` [S, V].

    Args:
        find_kth: finds the k-th largest logit of each row.
    """
    vocabulary = logits.shape[-1]
    is_target = jnp.arange(vocabulary) == targets[:, None]
    target = jnp.sum(jnp.where(is_target, logits, 0.0), axis=-1)
    tempered = logits / temperature
    log_total = jax.nn.logsumexp(tempered, axis=-1)
    if 0 < top_k < vocabulary:
        kept = jnp.where(logits >= find_kth(logits, top_k)[:, None], tempered, -jnp.inf)
        log_mass = jnp.minimum(jax.nn.logsumexp(kept, axis=-1) - log_total, 0.0)
    else:
        log_mass = jnp.zeros_like(log_total)
    return TokenScores(
        log_prob=jnp.minimum(target - jax.nn.logsumexp(logits, axis=-1), 0.0),
        rank=jnp.sum(logits > target[:, None], axis=-1, dtype=jnp.int32),
        top_id=jnp.argmax(logits, axis=-1).astype(jnp.int32),
        log_top_k_mass=log_mass,
        tempered_log_prob=jnp.minimum(target / temperature - log_total, 0.0),
    )


def choose_kept(logits: Array, kept: KeptLogits) -> dict[str, Array]:
    """The arrays [R, N] of float32 `logits` [R, V] that are kept, by name, in the type in which they are kept."""
    dtype = jnp.dtype(kept.dtype)
    with jax.named_scope("kept"):
        if not kept.has_ids:
            return {"logits": logits.astype(dtype)}
        values, ids = find_largest(logits, kept.values)
        return {"values": values.astype(dtype), "ids": ids}


def compute_window_scores(tokens: TokenScores, *, top_k: int) -> Scores:
    """The scores of windows from those of their tokens, [W, S] each; sums are made in float64."""
    log_probs, ranks, log_mass = np.asarray(tokens.log_prob), np.asarray(tokens.rank), np.asarray(tokens.log_top_k_mass)
    to_float64 = functools.partial(np.asarray, dtype=np.float64)
    top_k_log_probs = np.minimum(to_float64(tokens.tempered_log_prob) - to_float64(log_mass), 0.0)
    if top_k:
        top_k_log_probs = np.where(ranks < top_k, top_k_log_probs, -np.inf)
    return Scores(
        log_p_z=to_float64(log_probs).sum(axis=-1),
        log_p_z_top_k=top_k_log_probs.sum(axis=-1),
        greedy=(ranks == 0).all(axis=-1),
        token_log_probs=log_probs,
        token_ranks=ranks,
        top_token_ids=np.asarray(tokens.top_id),
        token_log_top_k_mass=log_mass,
    )
