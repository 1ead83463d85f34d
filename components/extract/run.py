"""Extract: score windows on the planned devices, in the planned layout."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from byheart.components.extract.books_progress import BooksProgress
from byheart.components.extract.laps import Laps
from byheart.components.extract.work import Work, find_work
from byheart.components.extract.writer import Writer
from byheart.contracts.errors import DamagedError
from byheart.contracts.logits import KeptLogits, describe_logits
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import PlannedDevices, read_plan
from byheart.contracts.progress import say
from byheart.contracts.setting_groups import NONE
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_tokenization
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.machines.layout import Layout
from byheart.models.adapted import open_described_model
from byheart.scores.batches import Batch, Unwritten, choose_batches
from byheart.scores.logits import LogitsStore
from byheart.scores.scores import Scores
from byheart.scores.store import ScoreStore
from byheart.store import open_store

if TYPE_CHECKING:
    from byheart.components.extract.engine import Engine


def run(*, model: str, windows: str, settings: str, plan: str, store: str, shard: int) -> int:
    """Score the windows of every book; returns how many windows this task scored.

    Args:
        model, windows, settings, plan: what the earlier stages wrote.
        store: the store that keeps the scores.
        shard: the number of this task among those that share the windows, from 1.

    Raises:
        DamagedError: scores that were in the store at planning time are gone.
        DeviceError: the planned devices are missing.
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores, or refuses them.
    """
    run_plan, run_settings = read_plan(plan), Settings.read(settings)
    description, tokenization = read_model(model), read_tokenization(windows)
    scores = ScoreStore(open_store(store), run_plan.scored_tokens)
    positions = tokenization.count_positions(run_settings.window.prompt_tokens)
    kept = _describe_logits(run_settings, description, tokenization, positions)
    logits = LogitsStore(scores.store, kept) if kept else None
    work = find_work(run_plan, windows, scores, logits, tokenization, run_settings, shard)

    shards = run_settings.layout.shards
    prefix = "" if shards == 1 else f"shard {shard}/{shards}: "
    books = len(run_plan.addresses)
    say(f"{prefix}{work.total:,} windows of {books:,} book{'s' * (books > 1)}, {work.done:,} scored already")
    if not work.missing:
        return 0
    from byheart.components.extract.devices import find_planned_devices  # it imports JAX, which takes a second
    from byheart.components.extract.engine import Engine, Machine

    devices = _check(work, scores, tokenization.scored_tokens)
    engine = Engine.lay_out(
        open_described_model(description),
        Machine(devices=find_planned_devices(find_accelerator(run_plan.accelerator), devices)),
        dataclasses.replace(run_settings.score, precision=run_plan.precision),
        Layout(data=devices.data, model=devices.model, gather=devices.gather, batch_size=devices.batch_size),
        positions=positions,
        scored_tokens=tokenization.scored_tokens,
        is_padded=tokenization.is_padded,
        kept=kept,
    )
    return _score(engine, work, scores)


def _describe_logits(settings: Settings, model: Model, tokenization: Tokenization, positions: int) -> KeptLogits | None:
    """What is kept of each window; a model is opened only if anything is."""
    if settings.logits.logits == NONE:
        return None
    return describe_logits(
        settings.logits,
        scored_tokens=tokenization.scored_tokens,
        positions=positions,
        vocabulary=open_described_model(model).decoder.vocab,
    )


def _check(work: Work, scores: ScoreStore, scored_tokens: int) -> PlannedDevices:
    """The planned devices; checks, before the weights are loaded, that the plan still covers the missing scores."""
    if work.plan.devices is None:
        raise DamagedError(
            f"scores must stay in the store while a run goes on, found {work.total - work.done:,} windows gone since "
            f"it was planned, as {scores.store.locate(work.missing[0].part.name)}: run again, which plans for them"
        )
    scores.check_room(work.wanted.missing_scores, scored_tokens, work.wanted.logits_bytes)
    return work.plan.devices


def _score(engine: "Engine", work: Work, scores: ScoreStore) -> int:
    """Score the missing windows and write them; returns how many."""
    from byheart.components.extract.fetching import make_logits_writer, write_wanted
    from byheart.components.extract.flight import score_batches

    top_k, batch_size, wanted = engine.score_settings.top_k, engine.layout.batch_size, work.wanted
    scored, laps = 0, Laps()
    with Writer() as writer, make_logits_writer(engine.workload.kept) as logits_writer:
        score = engine.load()
        laps.end("load and compile")
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
    laps.say()
    return scored


def _describe_computation(engine: "Engine", work: Work) -> None:
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
