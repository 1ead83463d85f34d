"""Scoring on the cores of a CPU: a thread for each, with a share of a batch, and all with the same weights.

    batch of 16 windows, 2 cores    | 8 windows on the first thread | 8 on the second |

Where XLA divides each product over the cores instead, they wait for each other after each: on two cores, 1.8 are busy.
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from byheart.components.extract import decoder
from byheart.components.extract.cpu.head import score_rows
from byheart.components.extract.decoder import Params
from byheart.components.extract.head import ScoredTokens, find_scored, score_states
from byheart.components.extract.scoring import HEAD_WINDOWS_CPU, BatchScorer, Scorer
from byheart.components.extract.token_scores import TokenScores
from byheart.models.decoder_config import DecoderConfig

_HEAD_ROWS = 400
"""Rows whose logits a core holds at once. More are no faster, and take memory: each a vocabulary of numbers."""
_QUERY_BLOCKS = 4
_ALONE = {"xla_cpu_multi_thread_eigen": False}
"""Options by which a program keeps to the thread that calls it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shares:
    """How a batch of B windows is shared among cores."""

    size: int
    """Windows of a share."""
    count: int
    """Shares; the last one may be filled up."""
    is_alone: bool
    """Whether a share has one core, and not several that divide its products."""


def share(windows: int, cores: int) -> Shares:
    """Shares of equal size, one for each core if there are as many windows."""
    size = -(-windows // cores)
    count = -(-windows // size)
    return Shares(size=size, count=count, is_alone=count == cores)


def compile_scorer(
    shapes: Params, config: DecoderConfig, wanted: ScoredTokens, shares: Shares, tokens: int
) -> jax.stages.Compiled:
    """The program that scores a share of windows of so many ids.

    Args:
        shapes: of the weights, as `divide_layers` returns them.
    """
    sides = [(shares.size, tokens), *[(shares.size, 2)] * wanted.is_padded]
    ids = [jax.ShapeDtypeStruct(side, jnp.int32) for side in sides]
    return make_scorer(config, wanted, _ALONE if shares.is_alone else None).lower(shapes, *ids).compile()


def make_batch_scorer(score: jax.stages.Compiled, weights: Params, shares: Shares) -> BatchScorer:
    """A function that scores a batch with that program.

    Args:
        weights: from `divide_layers`.
    """
    threads = [ThreadPoolExecutor(1, "score") for _ in range(shares.count)]  # XLA computes what a thread asks in order

    def score_batch(token_ids: np.ndarray, scored: np.ndarray | None = None) -> TokenScores:
        windows, filled = len(token_ids), shares.size * shares.count
        arrays = [token_ids] if scored is None else [token_ids, scored]
        padded = [np.pad(array, ((0, filled - windows), (0, 0)), mode="edge") for array in arrays]
        started = [
            thread.submit(score, weights, *(array[shares.size * number :][: shares.size] for array in padded))
            for number, thread in enumerate(threads)
        ]
        parts = [future.result() for future in started]
        return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:windows], *parts)

    return score_batch


def make_scorer(config: DecoderConfig, wanted: ScoredTokens, options: dict[str, bool] | None) -> Scorer:
    """A function as `scoring.make_scorer` makes it, for one device whose layers are divided."""

    @functools.partial(jax.jit, compiler_options=options)
    def score(params: Params, token_ids: Array, *scored: Array) -> TokenScores:
        first, targets, is_scored = find_scored(wanted, token_ids, *scored)
        with jax.default_matmul_precision("highest" if params["embed"].dtype == jnp.float32 else "default"):
            hidden = decoder.compute_hidden_states(
                params, config, token_ids[:, :-1], first=first, query_blocks=_QUERY_BLOCKS
            )
            head = {name: params[name] for name in decoder.list_head(config)}
            if wanted.kept:
                scores = score_states(head, config, wanted, hidden, targets, HEAD_WINDOWS_CPU)
            else:
                rows, row_targets = hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1)
                blocks = [
                    score_rows(head, config, rows[at:][:_HEAD_ROWS], row_targets[at:][:_HEAD_ROWS], wanted)
                    for at in range(0, len(rows), _HEAD_ROWS)
                ]
                scores = jax.tree.map(lambda *parts: jnp.concatenate(parts).reshape(targets.shape), *blocks)
            if is_scored is None:
                return scores
            return jax.tree.map(lambda values: jnp.where(is_scored, values, 0), scores)

    return score
