"""The largest of many logits, without a sort of the vocabulary."""

import jax
import jax.numpy as jnp
from jax import Array

_GROUP = 128
"""The logits in a group: the fastest of 64, 128 and 256 for the top 40 of a vocabulary of 49,152."""
_SMALL_GROUP = 64
"""The logits in a group for a sort: for the top 40 of 128,256, the two sorts are of about equally many values."""


def find_kth_largest(values: Array, k: int) -> Array:
    """The k-th largest of float32 `values` along the last axis, exactly.

    Values may be -inf, but not NaN; a subnormal value may count as 0. For 200 x 128,256 values it takes a CPU 0.165 s,
    and `jax.lax.top_k` 19.9 s.

    Most values are read once. The values are cut into groups. The k-th largest of the groups' maxima is a lower bound,
    and all values above it are in the groups whose maximum is above it, of which there are fewer than k:

        k = 2    3 1 | 9 7 | 2 4 | 5 8    maxima 3 9 4 8, bound 8, above it only in 9 7, answer max(8, 7) = 8
    """
    size = values.shape[-1]
    if 2 * k * _GROUP > size:
        return find_kth_largest_by_bits(values, k)
    padding = -size % _GROUP
    if padding:
        values = jnp.concatenate([values, jnp.full((*values.shape[:-1], padding), -jnp.inf)], axis=-1)
    groups = values.reshape(*values.shape[:-1], -1, _GROUP)
    maxima = jnp.max(groups, axis=-1)
    bound = find_kth_largest_by_bits(maxima, k)
    groups_above = jnp.cumsum(maxima > bound[..., None], axis=-1)
    indices = jnp.sum(groups_above[..., None, :] <= jnp.arange(k)[:, None], axis=-1)
    candidates = jnp.take_along_axis(groups, indices[..., None], axis=-2, mode="fill", fill_value=-jnp.inf)
    return jnp.maximum(bound, find_kth_largest_by_bits(candidates.reshape(*candidates.shape[:-2], -1), k))


def find_kth_largest_by_sorting(values: Array, k: int) -> Array:
    """As `find_kth_largest`, by two small sorts in place of 64 passes, each a kernel that a GPU has to start.

    The groups with the k largest maxima hold at least k values that no value of another group exceeds.
    """
    size = values.shape[-1]
    if 2 * k * _SMALL_GROUP > size:
        return jax.lax.top_k(values, k)[0][..., -1]
    padding = -size % _SMALL_GROUP
    if padding:
        values = jnp.concatenate([values, jnp.full((*values.shape[:-1], padding), -jnp.inf)], axis=-1)
    groups = values.reshape(*values.shape[:-1], -1, _SMALL_GROUP)
    _, chosen = jax.lax.top_k(jnp.max(groups, axis=-1), k)
    candidates = jnp.take_along_axis(groups, chosen[..., None], axis=-2)
    return jax.lax.top_k(candidates.reshape(*candidates.shape[:-2], -1), k)[0][..., -1]


def find_kth_largest_by_bits(values: Array, k: int) -> Array:
    """The k-th largest of float32 `values` along the last axis, by reading each value 32 times.

    Floats are mapped to unsigned integers of the same order, and the answer's bits are determined one after the other:
    32 counts cost less than a sort of a vocabulary.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    sign = jnp.uint32(1 << 31)
    keys = jnp.where(bits >= sign, ~bits, bits | sign)

    def settle_bit(step: Array, settled: Array) -> Array:
        candidate = settled | (sign >> step.astype(jnp.uint32))
        enough = jnp.sum(keys >= candidate[..., None], axis=-1) >= k
        return jnp.where(enough, candidate, settled)

    key = jax.lax.fori_loop(0, 32, settle_bit, jnp.zeros_like(keys[..., 0]))
    return jax.lax.bitcast_convert_type(jnp.where(key >= sign, key ^ sign, ~key), jnp.float32)


def find_largest(logits: Array, count: int) -> tuple[Array, Array]:
    """The largest of float32 `logits` [R, V], largest first, and their ids, int32: [R, count] each.

    Among equals the lowest ids are taken, and come first. No sort of the vocabulary is needed: where each of the
    largest stands is counted, first in groups of logits and then within the group.
    """
    least = find_kth_largest(logits, count)
    vocabulary = logits.shape[-1]
    padding = -vocabulary % _GROUP
    padded = jnp.pad(logits, ((0, 0), (0, padding)), constant_values=-jnp.inf)
    above, equal = padded > least[:, None], padded == least[:, None]
    equals_wanted = count - jnp.sum(above, axis=-1, dtype=jnp.int32)
    is_largest = above | (equal & (jnp.cumsum(equal, axis=-1, dtype=jnp.int32) <= equals_wanted[:, None]))
    groups = is_largest.reshape(len(logits), -1, _GROUP)
    until_group = jnp.cumsum(jnp.sum(groups, axis=-1, dtype=jnp.int32), axis=-1)
    places = jnp.arange(count)
    group = jnp.sum(until_group[:, None, :] <= places[:, None], axis=-1)  # [R, count]: the group of each of them
    members = jnp.take_along_axis(groups, group[..., None], axis=1)
    before = jnp.where(group > 0, jnp.take_along_axis(until_group, jnp.maximum(group - 1, 0), axis=1), 0)
    until_member = jnp.cumsum(members, axis=-1, dtype=jnp.int32)
    member = jnp.sum(until_member <= (places - before)[..., None], axis=-1)
    ids = (group * _GROUP + member).astype(jnp.int32)
    values = jnp.take_along_axis(logits, ids, axis=1)
    order = jnp.argsort(-values, axis=-1, stable=True)
    return jnp.take_along_axis(values, order, axis=1), jnp.take_along_axis(ids, order, axis=1)
