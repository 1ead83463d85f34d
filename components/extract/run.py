"""Extract: from windows to scores, on the devices and in the layout that were planned."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from byheart.components.extract.books_progress import BooksProgress
from byheart.components.extract.compiled import keep_compiled_programs
from byheart.components.extract.devices import find_planned_devices
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.flight import score_batches
from byheart.components.extract.work import Work, work_of
from byheart.components.extract.writer import Writer
from byheart.contracts.errors import DamagedError
from byheart.contracts.model import read_model
from byheart.contracts.plan import PlannedDevices, read_plan
from byheart.contracts.progress import say
from byheart.contracts.settings import Settings
from byheart.contracts.windows import read_tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.machines.layout import Layout
from byheart.models.folder import open_model
from byheart.scores.batches import Unwritten, choose_batches
from byheart.scores.store import ScoreStore
from byheart.store import Store, open_store


def run(*, model: str, windows: str, settings: str, plan: str, store: str, shard: int) -> int:
    """Score the windows of every book; how many windows this task has scored.

    Args:
        model, windows, settings, plan: what the stages before wrote.
        store: where the scores are kept.
        shard: which of the tasks that share the windows this is, from 1.

    Raises:
        DamagedError: scores have gone that were in the store when the run was planned.
        DeviceError: the devices that were planned are not there.
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores, or does not take them.
    """
    planned, given = read_plan(plan), Settings.read(settings)
    described, tokenization, place = read_model(model), read_tokenization(windows), open_store(store)
    scores = ScoreStore(place)
    work = work_of(planned, windows, scores, tokenization, given, shard)

    which = "" if given.layout.shards == 1 else f"shard {shard}/{given.layout.shards}: "
    books = len(planned.addresses)
    say(f"{which}{work.total:,} windows of {books:,} book{'s' * (books > 1)}, {work.done:,} scored already")
    if not work.missing:
        return 0
    devices = _check(work, scores, tokenization.scored_tokens)
    engine = Engine.lay_out(
        open_model(described.address),
        Machine(devices=find_planned_devices(find_accelerator(planned.accelerator), devices)),
        dataclasses.replace(given.score, precision=planned.precision),
        Layout(data=devices.data, model=devices.model, gather=devices.gather, batch_size=devices.batch_size),
        positions=given.window.count_positions(has_bos=tokenization.bos_id is not None),
        scored_tokens=tokenization.scored_tokens,
    )
    return _score(engine, work, scores)


def _check(work: Work, scores: ScoreStore, scored_tokens: int) -> PlannedDevices:
    """Refuse what was not planned for, before the weights are loaded; the devices that were."""
    if work.plan.devices is None:
        raise DamagedError(
            f"scores must stay in the store while a run goes on, found {work.total - work.done:,} windows gone since "
            f"it was planned, as {scores.store.locate(work.missing[0].part.name)}: run again, which plans for them"
        )
    scores.check_room(work.missing, scored_tokens)
    return work.plan.devices


def _score(engine: Engine, work: Work, scores: ScoreStore) -> int:
    """Score what is missing, and keep it; how many windows."""
    top_k, batch_size = engine.score_settings.top_k, engine.layout.batch_size
    scored = 0
    with _programs(scores.store, engine.machine) as keep_programs, Writer() as writer:
        score = engine.load()
        progress = BooksProgress(work, engine.describe_utilisation)
        unwritten = Unwritten(scores, work.reuse, engine.describe_computation(), writer.submit)
        batches = choose_batches(
            scores, work.missing, work.reuse, batch_size=batch_size, run=work.plan.run, leave_out=progress.add
        )
        for batch, found in score_batches(score, work.inputs(batches), batch_size, top_k):
            writer.check()
            unwritten.add(batch, found.columns())
            progress.add(batch.part, len(found))
            scored += len(found)
            keep_programs()
        unwritten.leave()
    return scored


@contextmanager
def _programs(store: Store, machine: Machine) -> Iterator[Callable[[], None]]:
    """What keeps compiled programs in the store; a CPU compiles in no time, and for itself alone."""
    if machine.is_cpu:
        yield lambda: None
    else:
        with keep_compiled_programs(store, machine.devices[0]) as programs:
            yield programs.keep
