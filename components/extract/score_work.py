"""Scores the windows of a shard that lack scores, or logits, and writes them into the store."""

from collections.abc import Callable
from functools import partial

import numpy as np

from byheart.components.extract.books_progress import BooksProgress
from byheart.components.extract.engine import Engine
from byheart.components.extract.fetching import make_logits_writer, write_wanted
from byheart.components.extract.flight import score_batches
from byheart.components.extract.laps import Laps
from byheart.components.extract.scoring import BatchScorer
from byheart.components.extract.work import Work
from byheart.components.extract.writer import Writer
from byheart.scores.batches import Batch, Unwritten, choose_batches
from byheart.scores.scores import Scores
from byheart.scores.store import ScoreStore


def score_work(engine: Engine, score: BatchScorer, work: Work, scores: ScoreStore, laps: Laps) -> int:
    """Score the missing windows and write them; returns how many.

    Args:
        score: what the engine has loaded.
        laps: count the time.
    """
    top_k, batch_size, wanted = engine.score_settings.top_k, engine.layout.batch_size, work.wanted
    scored = 0
    with Writer() as writer, make_logits_writer(engine.workload.kept) as logits_writer:
        progress = BooksProgress(work, engine.describe_utilisation)
        _describe_computation(engine, work)

        def submit(write: Callable[[], object]) -> None:
            writer.submit(logits_writer.after(write))  # scores that are there say that the run's logits are

        unwritten = Unwritten(scores, work.reuse, engine.describe_computation(), submit)
        batches = choose_batches(
            wanted, work.missing, work.reuse, batch_size=batch_size, run=work.plan.run, leave_out=progress.add
        )
        rows, explain = work.read_inputs(batches), engine.explain_not_finite
        keep = partial(write_wanted, wanted, work.plan.forced, logits_writer.submit)
        for batch, batch_scores in score_batches(score, rows, batch_size, top_k, explain, keep):
            writer.check()
            room = work.plan.scored_tokens.get(batch.part.address)
            missing = wanted.scores.get(batch.part, batch.windows[:0])
            _add_missing(unwritten, batch, batch_scores.cut(room) if room else batch_scores, missing)
            progress.add(batch.part, len(batch_scores))
            scored += len(batch_scores)
        unwritten.leave()
        laps.end("score")
    laps.end("write")
    return scored


def _describe_computation(engine: Engine, work: Work) -> None:
    """Write, for each address, what computes its logits."""
    if logits := work.wanted.logits_store:
        for address in dict.fromkeys(part.address for part in work.wanted.logits):
            logits.describe_computation(address, engine.describe_computation())


def _add_missing(unwritten: Unwritten, batch: Batch, scores: Scores, missing: np.ndarray) -> None:
    """Keep the scores of those windows of a batch whose scores are missing."""
    is_missing = np.isin(batch.windows, missing)
    if is_missing.any():
        columns = {name: values[is_missing] for name, values in scores.columns().items()}
        unwritten.add(Batch(part=batch.part, windows=batch.windows[is_missing]), columns)
