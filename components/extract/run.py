"""Extract: from windows to scores, part by part; a part that is in the store already is not computed again."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from components.contracts.errors import ModelError
from components.contracts.model import Model, read_model
from components.contracts.progress import say
from components.contracts.scores import ScoreManifest, Scores, part_to_bytes, write_score_manifest
from components.contracts.settings import Settings
from components.contracts.version import code_version
from components.contracts.windows import Tokenization, read_tokenization
from components.extract import checkpoint
from components.extract.books_progress import BooksProgress
from components.extract.decoder import Params
from components.extract.scoring import Scorer, TokenScores, scorer, window_scores
from components.extract.work import Part, Shard, check_room, work_of
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
    device = jax.devices()[0]
    chosen = _settle(Settings.read(settings), device)
    described, tokenization, place = read_model(model), read_tokenization(windows), open_store(store)
    work = work_of(books, windows, place, described, tokenization, chosen, Shard.parse(shard))
    check_room(place, work.missing, tokenization.scored_tokens)

    precision, batch = chosen.score.precision, chosen.layout.batch_size
    which = "" if chosen.layout.shards == 1 else f"shard {shard}: "
    say(
        f"{which}{work.total:,} windows of {len(work.addresses):,} book{'s' * (len(work.addresses) > 1)}, "
        f"{work.done:,} scored already; {precision}, batches of {batch}, {device.device_kind}"
    )
    if work.missing:
        computed_on = {
            "device": device.device_kind,
            "devices": 1,
            "precision": precision,
            "batch_size": batch,
            "jax": jax.__version__,
            "code": code_version(),
        }
        with jax.default_matmul_precision("highest" if precision == "float32" else "default"), Writer() as writer:
            params, score = _prepare(described, chosen, tokenization)
            progress = BooksProgress(work)
            parts = work.inputs(_wanted(work.missing, place, progress))
            for part, part_scores in _score_parts(
                score, params, parts, batch, chosen.score.top_k, progress, writer.check
            ):
                writer.submit(partial(_write, place, part, part_scores, computed_on))
    manifest = ScoreManifest(
        store=store, precision=precision, addresses=work.addresses, control_addresses=work.control_addresses
    )
    write_score_manifest(scores, manifest)


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


def _settle(settings: Settings, device: jax.Device) -> Settings:
    """The settings with what was left open (`auto`, 0) chosen for the device."""
    on_cpu = device.platform == "cpu"
    precision, batch = settings.score.precision, settings.layout.batch_size
    if precision == "auto":
        precision = "float32" if on_cpu else "bfloat16"
    return dataclasses.replace(
        settings,
        score=dataclasses.replace(settings.score, precision=precision),
        layout=dataclasses.replace(settings.layout, batch_size=batch or (16 if on_cpu else 64)),
    )


def _prepare(described: Model, settings: Settings, tokenization: Tokenization) -> tuple[Params, Scorer]:
    """The weights, loaded, and the function that scores with them."""
    folder = open_model(described.address)
    params = checkpoint.load(folder, jnp.dtype(settings.score.precision))
    score = scorer(
        folder.decoder,
        scored_tokens=tokenization.scored_tokens,
        temperature=settings.score.temperature,
        top_k=settings.score.top_k,
    )
    return params, score


def _score_parts(
    score: Scorer,
    params: Params,
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
            flying.append((part, len(rows), score(params, jnp.asarray(padded))))
            if len(flying) == _IN_FLIGHT:
                yield from land()
    while flying:
        yield from land()
