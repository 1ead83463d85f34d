"""Extract: score windows on the planned devices, in the planned layout."""

import dataclasses

from byheart.components.extract.books_progress import BooksProgress
from byheart.components.extract.devices import find_planned_devices
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.flight import score_batches
from byheart.components.extract.work import Work, find_work
from byheart.components.extract.writer import Writer
from byheart.contracts.errors import DamagedError
from byheart.contracts.model import read_model
from byheart.contracts.plan import PlannedDevices, read_plan
from byheart.contracts.progress import say
from byheart.contracts.settings import Settings
from byheart.contracts.windows import read_tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.machines.layout import Layout
from byheart.models.folder import open_described_model
from byheart.scores.batches import Unwritten, choose_batches
from byheart.scores.store import ScoreStore
from byheart.store import open_store


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
    scores = ScoreStore(open_store(store), tokenization.scored_tokens)
    work = find_work(run_plan, windows, scores, tokenization, run_settings, shard)

    shards = run_settings.layout.shards
    prefix = "" if shards == 1 else f"shard {shard}/{shards}: "
    books = len(run_plan.addresses)
    say(f"{prefix}{work.total:,} windows of {books:,} book{'s' * (books > 1)}, {work.done:,} scored already")
    if not work.missing:
        return 0
    devices = _check(work, scores, tokenization.scored_tokens)
    engine = Engine.lay_out(
        open_described_model(description),
        Machine(devices=find_planned_devices(find_accelerator(run_plan.accelerator), devices)),
        dataclasses.replace(run_settings.score, precision=run_plan.precision),
        Layout(data=devices.data, model=devices.model, gather=devices.gather, batch_size=devices.batch_size),
        positions=run_settings.window.count_positions(has_bos=tokenization.bos_id is not None),
        scored_tokens=tokenization.scored_tokens,
    )
    return _score(engine, work, scores)


def _check(work: Work, scores: ScoreStore, scored_tokens: int) -> PlannedDevices:
    """The planned devices; checks, before the weights are loaded, that the plan still covers the missing scores."""
    if work.plan.devices is None:
        raise DamagedError(
            f"scores must stay in the store while a run goes on, found {work.total - work.done:,} windows gone since "
            f"it was planned, as {scores.store.locate(work.missing[0].part.name)}: run again, which plans for them"
        )
    scores.check_room(work.missing, scored_tokens)
    return work.plan.devices


def _score(engine: Engine, work: Work, scores: ScoreStore) -> int:
    """Score the missing windows and write them; returns how many."""
    top_k, batch_size = engine.score_settings.top_k, engine.layout.batch_size
    scored = 0
    with Writer() as writer:
        score = engine.load()
        progress = BooksProgress(work, engine.describe_utilisation)
        unwritten = Unwritten(scores, work.reuse, engine.describe_computation(), writer.submit)
        batches = choose_batches(
            scores, work.missing, work.reuse, batch_size=batch_size, run=work.plan.run, leave_out=progress.add
        )
        rows, explain = work.read_inputs(batches), engine.explain_not_finite
        for batch, batch_scores in score_batches(score, rows, batch_size, top_k, explain):
            writer.check()
            unwritten.add(batch, batch_scores.columns())
            progress.add(batch.part, len(batch_scores))
            scored += len(batch_scores)
        unwritten.leave()
    return scored
