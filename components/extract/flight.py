"""Batches on their way through the devices: the next is there before a result is fetched."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import jax
import numpy as np
from jax import Array

from byheart.components.extract.scoring import BatchScorer
from byheart.components.extract.token_scores import TokenScores, compute_window_scores
from byheart.contracts.errors import ModelError
from byheart.contracts.model_input import ModelInput
from byheart.machines.workload import IN_FLIGHT
from byheart.scores.scores import Scores

_Label = TypeVar("_Label")


def score_batches(
    score: BatchScorer,
    batches: Iterable[tuple[_Label, ModelInput]],
    batch_size: int,
    top_k: int,
    explain: Callable[[], ModelError],
    keep: Callable[[_Label, dict[str, Array]], None] = lambda _, __: None,
) -> Iterator[tuple[_Label, Scores]]:
    """Each batch's label with its scores, in order; the device always has the next batch before a result is fetched.

    Args:
        score: from `Engine.load`.
        batches: labels and model input of at most `batch_size` windows.
        explain: makes the error of a score that is not finite.
        keep: called with a batch's label and its logits on the devices, before its scores are returned.

    Raises:
        ModelError: a score is not finite.
    """
    flying: deque[tuple[_Label, int, TokenScores]] = deque()

    def land() -> tuple[_Label, Scores]:
        label, count, result = flying.popleft()
        logits, result = result.logits, dataclasses.replace(result, logits={})
        tokens = jax.tree.map(lambda values: np.asarray(values)[:count], result)
        if not all(np.isfinite(values).all() for values in jax.tree.leaves(tokens)):
            raise explain()
        if logits:
            keep(label, logits)
        return label, compute_window_scores(tokens, top_k=top_k)

    for label, rows in batches:
        padded = rows.pad(batch_size)
        flying.append((label, len(rows), score(padded.token_ids, padded.scored)))
        if len(flying) == IN_FLIGHT:
            yield land()
    while flying:
        yield land()
