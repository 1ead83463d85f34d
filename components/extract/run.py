"""Extract: from windows to scores, part by part; a part that is in the store already is not computed again."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import jax
import numpy as np

from byheart.components.extract.books_progress import BooksProgress
from byheart.components.extract.compiled import compiled_programs
from byheart.components.extract.devices import find_devices
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.scoring import TokenScores, window_scores
from byheart.components.extract.work import Work, work_of
from byheart.components.extract.writer import Writer
from byheart.contracts.errors import DamagedError, ModelError
from byheart.contracts.model import read_model
from byheart.contracts.plan import read_plan
from byheart.contracts.progress import say
from byheart.contracts.settings import Settings
from byheart.contracts.windows import read_tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.machines.workload import IN_FLIGHT
from byheart.models.folder import open_model
from byheart.scores.score_parts import Part, check_room
from byheart.scores.scores import ScoreManifest, Scores, part_to_bytes, write_score_manifest
from byheart.store import Store, open_store


def run(*, model: str, windows: str, settings: str, plan: str, store: str, shard: int, scores: str) -> None:
    """Score the windows of every book.

    Args:
        model, windows, settings, plan: what the stages before wrote.
        store: where the parts are kept.
        shard: which of the tasks that share the windows this is, from 1.
        scores: the manifest to write.

    Raises:
        DamagedError: scores have gone that were in the store when the run was planned.
        DeviceError: the accelerator that was planned is not there.
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores, or does not take them.
    """
    planned, given = read_plan(plan), Settings.read(settings)
    described, tokenization, place = read_model(model), read_tokenization(windows), open_store(store)
    work = work_of(planned, windows, place, tokenization, given, shard)

    which = "" if given.layout.shards == 1 else f"shard {shard}/{given.layout.shards}: "
    books = len(planned.addresses)
    say(f"{which}{work.total:,} windows of {books:,} book{'s' * (books > 1)}, {work.done:,} scored already")
    if work.missing:
        _check(work, place, tokenization.scored_tokens)
        if not given.reuse.force:
            for part in work.missing:
                if part.replaces:
                    say(f"damaged, and computed again: {place.locate(part.name)}")
        find_devices(find_accelerator(planned.accelerator))
        engine = Engine.lay_out(
            open_model(described.address),
            Machine.find(given.layout),
            dataclasses.replace(given.score, precision=planned.precision),
            given.layout,
            positions=given.window.positions(has_bos=tokenization.bos_id is not None),
            scored_tokens=tokenization.scored_tokens,
        )
        _score(engine, work, place)
    manifest = ScoreManifest(
        store=store,
        precision=planned.precision,
        addresses=planned.addresses,
        control_addresses=planned.control_addresses,
    )
    write_score_manifest(scores, manifest)


def _check(work: Work, store: Store, scored_tokens: int) -> None:
    """Refuse what was not planned for, before the weights are loaded."""
    if not work.plan.missing:
        raise DamagedError(
            f"scores must stay in the store while a run goes on, found {work.total - work.done:,} windows gone or "
            f"damaged since it was planned, as {store.locate(work.missing[0].name)}: run again, which plans for them"
        )
    check_room(store, work.missing, scored_tokens)


def _score(engine: Engine, work: Work, store: Store) -> None:
    """Score what is missing, and keep it."""
    computed_on, top_k = engine.computed_on(), engine.score_settings.top_k
    with _programs(store, engine.machine) as keep_programs, Writer() as writer:
        score = engine.load()
        progress = BooksProgress(work, engine.share_of_peak)
        parts = work.inputs(_wanted(work.missing, store, progress))
        for part, scores in _score_parts(score, parts, engine.layout.batch_size, top_k, progress, writer.check):
            writer.submit(partial(_write, store, part, scores, computed_on))
            keep_programs()


@contextmanager
def _programs(store: Store, machine: Machine) -> Iterator[Callable[[], None]]:
    """What keeps compiled programs in the store; a CPU compiles in no time, and for itself alone."""
    if machine.is_cpu:
        yield lambda: None
    else:
        with compiled_programs(store, machine.devices[0]) as programs:
            yield programs.keep


def _wanted(parts: list[Part], store: Store, progress: BooksProgress) -> Iterator[Part]:
    """The parts, from one of them on and around, without those that another run has made by then.

    Two runs of the same measurement begin at different places and meet: what one has done the other leaves out.
    """
    first = int.from_bytes(os.urandom(4)) % len(parts)
    for part in parts[first:] + parts[:first]:
        if not part.replaces and store.exists(part.name):
            progress.add(part, len(part.rows))
        else:
            yield part


def _write(store: Store, part: Part, scores: Scores, computed_on: dict[str, object]) -> None:
    data = part_to_bytes(scores, part.address, part.number, computed_on)
    if part.replaces:
        store.replace(part.name, data)
    else:
        store.create(part.name, data)


def _score_parts(
    score: Callable[[np.ndarray], TokenScores],
    parts: Iterable[tuple[Part, np.ndarray]],
    batch: int,
    top_k: int,
    progress: BooksProgress,
    check: Callable[[], None],
) -> Iterator[tuple[Part, Scores]]:
    """Each part with its scores, in order; the device always has the next batch before a result is fetched.

    Args:
        check: called for each batch; its error ends the work.
    """
    flying: deque[tuple[Part, int, TokenScores]] = deque()
    done: list[Scores] = []

    def land() -> Iterator[tuple[Part, Scores]]:
        check()
        part, rows, result = flying.popleft()
        tokens = jax.tree.map(lambda values: np.asarray(values)[:rows], result)
        if not all(np.isfinite(values).all() for values in jax.tree.leaves(tokens)):
            raise ModelError("the model must give finite logits, found infinite ones or NaN: try precision=float32")
        done.append(window_scores(tokens, top_k=top_k))
        progress.add(part, rows)
        if sum(map(len, done)) == len(part.rows):
            yield part, Scores.concatenate(done)
            done.clear()

    for part, inputs in parts:
        for first in range(0, len(inputs), batch):
            rows = inputs[first : first + batch]
            padded = np.pad(rows, ((0, batch - len(rows)), (0, 0)))
            flying.append((part, len(rows), score(padded)))
            if len(flying) == IN_FLIGHT:
                yield from land()
    while flying:
        yield from land()
