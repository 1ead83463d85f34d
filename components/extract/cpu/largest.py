"""The largest of many logits on a CPU, found among groups whose maxima are known."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.largest import find_kth_largest, find_kth_largest_by_bits

_SMALLER = 16
"""The logits in a group when those of the chosen groups are grouped once more."""


def sum_largest(logits: Array, maxima: Array, k: int, weigh: Callable[[Array], Array]) -> Array:
    """The sum [R] of `weigh` over the k largest of float32 `logits` [R, V], and over all that equal the k-th.

    All these are in the groups whose maximum is no less than the k-th largest maximum. These are k groups, unless
    maxima are equal; then all logits are searched.

    Args:
        maxima: [R, G], the largest of each of G groups of equal size that stand one behind the other.
        weigh: takes [R, N] logits, -inf among them, to numbers that are added.
    """

    def add(values: Array, least: Array) -> Array:
        return jnp.sum(jnp.where(values >= least[:, None], weigh(values), 0.0), axis=-1)

    def add_of_all() -> Array:
        return add(logits, find_kth_largest(logits, k))

    if k >= maxima.shape[1]:
        return add_of_all()
    candidates, is_complete = _choose_groups(logits, maxima, k)
    if candidates.shape[1] > 2 * k * _SMALLER:
        smaller = jnp.max(candidates.reshape(len(candidates), -1, _SMALLER), axis=-1)
        candidates, is_still_complete = _choose_groups(candidates, smaller, k)
        is_complete &= is_still_complete
    return jax.lax.cond(
        jnp.all(is_complete), lambda: add(candidates, find_kth_largest_by_bits(candidates, k)), add_of_all
    )


def _choose_groups(values: Array, maxima: Array, k: int) -> tuple[Array, Array]:
    """The values [R, N] of the first k groups with maxima from the k-th largest on, and whether there are no more."""
    rows, count = maxima.shape
    is_chosen = maxima >= find_kth_largest_by_bits(maxima, k)[:, None]
    until = jnp.cumsum(is_chosen, axis=-1, dtype=jnp.int32)
    search = jax.vmap(lambda until: jnp.searchsorted(until, jnp.arange(1, k + 1), method="scan_unrolled"))
    index = search(until) + jnp.arange(rows)[:, None] * count
    groups = values.reshape(rows * count, -1).at[index].get(mode="promise_in_bounds")
    return groups.reshape(rows, -1), until[:, -1] == k
