"""The head and its statistics on a CPU: logits of some columns at a time, which the cache still has when they are read.

    logits [R, V] = | C | C | C | rest |    for each: the sum of exponentials, the rank, the groups' maxima

The plain form computes all logits of a few windows, and then reads them from memory for each statistic. Here all rows
of a batch meet C columns at once, so that the products are large; each logit is written to memory once, and of these
only the groups that hold the top k are read again.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract import decoder
from byheart.components.extract.cpu.largest import sum_largest
from byheart.components.extract.decoder import Params
from byheart.components.extract.head import ScoredTokens
from byheart.components.extract.token_scores import TokenScores
from byheart.models.decoder_config import DecoderConfig

COLUMNS = 512
"""C: with 400 rows, as many logits as a core's cache holds."""
GROUP, _SMALL_GROUP = 128, 8
"""The logits in a group, of a large vocabulary and of a small one."""
_LEAST_CHUNKS = 4
"""A smaller vocabulary is computed as a whole: its logits stay in the cache anyhow."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class _Sums:
    """What is known of R rows after some columns: float32 [R], and int32 [R] for the rank."""

    target: Array
    """The target's logit."""
    most: Array
    """The largest logit."""
    total: Array
    """The sum of exponentials of the logits less the largest."""
    tempered_total: Array
    """The same of the logits after temperature."""
    rank: Array
    """How many logits are greater than the target's."""


def score_rows(head: Params, config: DecoderConfig, hidden: Array, targets: Array, wanted: ScoredTokens) -> TokenScores:
    """The scores [R] of `targets` [R] after the states `hidden` [R, D]."""
    temperature, top_k = wanted.temperature, wanted.top_k
    vocabulary = len(head[decoder.list_head(config)[0]])
    compute = functools.partial(decoder.compute_logits, config=config, hidden=hidden)
    if vocabulary < _LEAST_CHUNKS * COLUMNS:
        padding = (0, -vocabulary % _SMALL_GROUP)
        logits = jnp.pad(compute(head), ((0, 0), padding), constant_values=-jnp.inf)
        target = jnp.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
        sums, maxima = _add_columns(_start(target), logits, _SMALL_GROUP, targets, temperature)
    else:
        # As a product like those with the columns, so that it is rounded alike, and counts as equal to its equals.
        target = jnp.diagonal(compute({name: weights[targets] for name, weights in head.items()}))
        logits, sums, maxima = _read_columns(head, compute, _start(target), targets, temperature)
    group = logits.shape[1] // maxima.shape[1]
    first = jnp.argmax(maxima, axis=1)
    members = jnp.take_along_axis(logits.reshape(len(hidden), -1, group), first[:, None, None], axis=1)[:, 0]
    log_total = jnp.log(sums.tempered_total)
    log_mass = jnp.zeros_like(log_total)
    if 0 < top_k < vocabulary:
        largest = sum_largest(
            logits, maxima, top_k, lambda values: jnp.exp((values - sums.most[:, None]) / temperature)
        )
        log_mass = jnp.minimum(jnp.log(largest) - log_total, 0.0)
    from_most = target - sums.most
    return TokenScores(
        log_prob=jnp.minimum(from_most - jnp.log(sums.total), 0.0),
        rank=sums.rank,
        top_id=(first * group + jnp.argmax(members, axis=1)).astype(jnp.int32),
        log_top_k_mass=log_mass,
        tempered_log_prob=jnp.minimum(from_most / temperature - log_total, 0.0),
    )


def _start(target: Array) -> _Sums:
    zeros = jnp.zeros_like(target)
    return _Sums(
        target=target, most=zeros - jnp.inf, total=zeros, tempered_total=zeros, rank=jnp.zeros(len(target), jnp.int32)
    )


def _read_columns(
    head: Params, compute: Callable[[Params], Array], sums: _Sums, targets: Array, temperature: float
) -> tuple[Array, _Sums, Array]:
    """The logits [R, V], padded to whole chunks, with their sums, and the maxima [R, G] of their groups."""
    rows, vocabulary = len(targets), len(next(iter(head.values())))
    whole, rest = divmod(vocabulary, COLUMNS)

    def add(sums: _Sums, columns: Array, start: Array | int) -> tuple[_Sums, Array]:
        return _add_columns(sums, columns, GROUP, targets - start, temperature)

    def add_chunk(state: tuple[Array, _Sums], chunk: Array) -> tuple[tuple[Array, _Sums], Array]:
        (logits, sums), start = state, chunk * COLUMNS
        columns = compute(jax.tree.map(lambda weights: jax.lax.dynamic_slice_in_dim(weights, start, COLUMNS), head))
        sums, maxima = add(sums, columns, start)
        return (jax.lax.dynamic_update_slice(logits, columns, (0, start)), sums), maxima

    logits = jnp.zeros((rows, vocabulary + -vocabulary % COLUMNS))
    (logits, sums), maxima = jax.lax.scan(add_chunk, (logits, sums), jnp.arange(whole))
    maxima = maxima.transpose(1, 0, 2).reshape(rows, -1)
    if rest:
        start = whole * COLUMNS
        last = jax.tree.map(
            lambda weights: jnp.pad(weights[start:], ((0, COLUMNS - rest), *[(0, 0)] * (weights.ndim - 1))), head
        )
        columns = jnp.where(jnp.arange(COLUMNS) < rest, compute(last), -jnp.inf)
        sums, last_maxima = add(sums, columns, start)
        logits, maxima = logits.at[:, start:].set(columns), jnp.concatenate([maxima, last_maxima], axis=1)
    return logits, sums, maxima


def _add_columns(sums: _Sums, columns: Array, group: int, targets: Array, temperature: float) -> tuple[_Sums, Array]:
    """The sums with those of logits [R, C], and the maxima [R, C / group] of groups of them.

    Args:
        targets: [R], the column of each target; other columns than these C do not count.
    """
    maxima = jnp.max(columns.reshape(len(columns), -1, group), axis=-1)
    most = jnp.maximum(sums.most, jnp.max(maxima, axis=-1))

    def add(total: Array, temperature: float) -> Array:
        added = jnp.sum(jnp.exp((columns - most[:, None]) / temperature), axis=-1)
        return total * jnp.exp((sums.most - most) / temperature) + added

    total = add(sums.total, 1.0)
    is_other = jnp.arange(columns.shape[1]) != targets[:, None]
    rank = jnp.sum((columns > sums.target[:, None]) & is_other, axis=-1, dtype=jnp.int32)
    tempered = total if temperature == 1 else add(sums.tempered_total, temperature)
    return dataclasses.replace(sums, most=most, total=total, tempered_total=tempered, rank=sums.rank + rank), maxima
