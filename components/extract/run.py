"""Extract: from windows to scores, part by part; a part that is in the store already is not computed again."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import jax
import numpy as np

from components.contracts.errors import ModelError
from components.contracts.model import read_model
from components.contracts.progress import say
from components.contracts.scores import ScoreManifest, Scores, part_to_bytes, write_score_manifest
from components.contracts.settings import Settings
from components.contracts.windows import read_tokenization
from components.extract.books_progress import BooksProgress
from components.extract.compiled import compiled_programs
from components.extract.engine import Engine, Machine
from components.extract.scoring import TokenScores, window_scores
from components.extract.work import Part, Shard, Work, check_room, work_of
from components.extract.writer import Writer
from components.models.folder import open_model
from components.store import Store, open_store

_IN_FLIGHT = 2
"""Batches handed to the device before the first one's result is fetched."""


def run(*, books: str, model: str, windows: str, settings: str, store: str, shard: str, scores: str) -> None:
    """Score the windows of every book.

    Args:
        books, model, windows, settings: what the stages before wrote.
        store: where the parts are kept.
        shard: which of the tasks that share the windows this is, as `1/3`.
        scores: the manifest to write.

    Raises:
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores, or does not take them.
    """
    given = Settings.read(settings)
    machine = Machine.find(given.layout)
    score = dataclasses.replace(given.score, precision=machine.precision(given.score.precision))
    chosen = dataclasses.replace(given, score=score)
    described, tokenization, place = read_model(model), read_tokenization(windows), open_store(store)
    work = work_of(books, windows, place, described, tokenization, chosen, Shard.parse(shard))
    check_room(place, work.missing, tokenization.scored_tokens)

    which = "" if chosen.layout.shards == 1 else f"shard {shard}: "
    say(
        f"{which}{work.total:,} windows of {len(work.addresses):,} book{'s' * (len(work.addresses) > 1)}, "
        f"{work.done:,} scored already"
    )
    if work.missing:
        engine = Engine.lay_out(
            open_model(described.address),
            machine,
            score,
            chosen.layout,
            positions=(tokenization.bos_id is not None) + chosen.window.prompt_tokens + tokenization.scored_tokens - 1,
            scored_tokens=tokenization.scored_tokens,
        )
        _score(engine, work, place)
    precision = score.precision
    manifest = ScoreManifest(
        store=store, precision=precision, addresses=work.addresses, control_addresses=work.control_addresses
    )
    write_score_manifest(scores, manifest)


def _score(engine: Engine, work: Work, store: Store) -> None:
    """Score what is missing, and keep it."""
    computed_on, top_k = engine.computed_on(), engine.score_settings.top_k
    full = engine.score_settings.precision == "float32"
    with (
        jax.default_matmul_precision("highest" if full else "default"),
        _programs(store, engine.machine) as keep_programs,
        Writer() as writer,
    ):
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
            if len(flying) == _IN_FLIGHT:
                yield from land()
    while flying:
        yield from land()
