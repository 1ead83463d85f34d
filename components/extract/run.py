"""Extract: from windows to scores, part by part; a part that is in the store already is not computed again."""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from components.contracts.books import read_books
from components.contracts.errors import ModelError, StoreError
from components.contracts.model import Model, read_model
from components.contracts.progress import Progress, say
from components.contracts.scores import (
    ScoreManifest,
    Scores,
    estimate_bytes,
    fingerprint,
    part_name,
    part_ranges,
    part_to_bytes,
    write_score_manifest,
)
from components.contracts.settings import Settings
from components.contracts.version import code_version
from components.contracts.windows import (
    ControlSample,
    Tokenization,
    Windows,
    control_sample,
    read_tokenization,
    read_windows,
)
from components.extract import checkpoint
from components.extract.decoder import Params
from components.extract.scoring import Scorer, TokenScores, scorer, window_scores
from components.models.folder import open_model
from components.store import Store, open_store

_IN_FLIGHT = 2
"""Batches handed to the device before the first one's result is fetched."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Part:
    """A part to compute: some windows of a book, as model input."""

    address: str
    number: int
    inputs: np.ndarray
    """int32 [W, T]: the BOS if there is one, the prompt and the scored tokens."""


def run(*, books: str, model: str, windows: str, settings: str, store: str, scores: str) -> None:
    """Score the windows of every book.

    Args:
        books, model, windows, settings: what the stages before wrote.
        store: where the parts are kept.
        scores: the manifest to write.

    Raises:
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores.
    """
    device = jax.devices()[0]
    chosen = _settle(Settings.read(settings), device)
    described, tokenization = read_model(model), read_tokenization(windows)
    manifest, total, parts = _lay_out(books, windows, store, described, tokenization, chosen)

    _check_room(open_store(store), parts, tokenization.scored_tokens)
    done = total - sum(len(part.inputs) for part in parts)
    precision, batch = chosen.score.precision, chosen.layout.batch_size
    say(f"{total:,} windows, {done:,} scored already; {precision}, batches of {batch}, {device.device_kind}")
    if parts:
        computed_on = {
            "device": device.device_kind,
            "devices": 1,
            "precision": precision,
            "batch_size": batch,
            "jax": jax.__version__,
            "code": code_version(),
        }
        place = open_store(store)
        with jax.default_matmul_precision("highest" if precision == "float32" else "default"):
            params, score = _prepare(described, chosen, tokenization)
            progress = Progress(total, "windows", skip=done)
            for part, part_scores in _score_parts(score, params, parts, batch, chosen.score.top_k, progress):
                data = part_to_bytes(part_scores, part.address, part.number, computed_on)
                place.create(part_name(part.address, part.number), data)
    write_score_manifest(scores, manifest)


def _lay_out(
    books: str, windows: str, store: str, described: Model, tokenization: Tokenization, settings: Settings
) -> tuple[ScoreManifest, int, list[_Part]]:
    """Where the scores of all books lie, how many windows that is, and the parts that are not there yet."""
    place = open_store(store)
    addresses: dict[str, str] = {}
    control_addresses: dict[str, str] = {}
    missing: dict[str, list[_Part]] = {}
    total = 0
    for book in read_books(books):
        rows = read_windows(windows, book.name)
        inputs = _model_input(rows, settings, tokenization)
        sample = control_sample(rows, settings.control.control_sample)
        for named, model_input in (
            (addresses, inputs),
            (control_addresses, _control_input(inputs, sample, tokenization)),
        ):
            if not len(model_input):
                continue
            address = named[book.name] = fingerprint(
                model_input=model_input,
                book_sha256=book.sha256,
                weights_sha256=described.weights_sha256,
                tokenization=tokenization,
                window=settings.window,
                score=settings.score,
            )
            if address not in missing:  # the same text under two names is scored once
                total += len(model_input)
                missing[address] = list(_missing_parts(place, address, model_input))
    manifest = ScoreManifest(
        store=store, precision=settings.score.precision, addresses=addresses, control_addresses=control_addresses
    )
    return manifest, total, [part for parts in missing.values() for part in parts]


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


def _model_input(windows: Windows, settings: Settings, tokenization: Tokenization) -> np.ndarray:
    """int32 [W, T]: the BOS if there is one, then the window's tokens up to the last scored one."""
    ids = windows.token_ids[:, : settings.window.prompt_tokens + tokenization.scored_tokens]
    if tokenization.bos_id is None:
        return ids
    return np.insert(ids, 0, tokenization.bos_id, axis=1)


def _control_input(inputs: np.ndarray, sample: ControlSample, tokenization: Tokenization) -> np.ndarray:
    """int32 [N, T]: what comes before the suffix in one row of `inputs`, then the suffix of another."""
    prompts, suffixes = inputs[sample.prompt_window], inputs[sample.suffix_window]
    return np.concatenate([prompts[:, : -tokenization.scored_tokens], suffixes[:, -tokenization.scored_tokens :]], 1)


def _missing_parts(store: Store, address: str, inputs: np.ndarray) -> Iterator[_Part]:
    for number, rows in enumerate(part_ranges(len(inputs))):
        if not store.exists(part_name(address, number)):
            yield _Part(address=address, number=number, inputs=inputs[rows.start : rows.stop])


def _check_room(store: Store, missing: list[_Part], scored_tokens: int) -> None:
    """Refuse a store that is too small for the parts, before the weights are loaded."""
    needed, free = estimate_bytes((len(part.inputs) for part in missing), scored_tokens), store.free_bytes()
    if free is not None and free < needed:
        raise StoreError(
            f"store must have {needed:,} bytes free for the scores to come, found {free:,} at "
            f"{store.locate('scores')}: make room or choose another store"
        )


def _prepare(described: Model, settings: Settings, tokenization: Tokenization) -> tuple[Params, Scorer]:
    """The weights, loaded, and the function that scores with them."""
    folder = open_model(described.path)
    params = checkpoint.load(folder, jnp.dtype(settings.score.precision))
    score = scorer(
        folder.decoder,
        scored_tokens=tokenization.scored_tokens,
        temperature=settings.score.temperature,
        top_k=settings.score.top_k,
    )
    return params, score


def _score_parts(
    score: Scorer, params: Params, parts: Iterable[_Part], batch: int, top_k: int, progress: Progress
) -> Iterator[tuple[_Part, Scores]]:
    """Each part with its scores, in order; the device always has the next batch before a result is fetched."""
    flying: deque[tuple[_Part, int, TokenScores]] = deque()
    done: list[Scores] = []

    def land() -> Iterator[tuple[_Part, Scores]]:
        part, rows, result = flying.popleft()
        tokens = jax.tree.map(lambda values: np.asarray(values)[:rows], result)
        if not all(np.isfinite(values).all() for values in jax.tree.leaves(tokens)):
            raise ModelError("the model must give finite logits, found infinite ones or NaN: try precision=float32")
        done.append(window_scores(tokens, top_k=top_k))
        progress.add(rows)
        if sum(map(len, done)) == len(part.inputs):
            yield part, Scores.concatenate(done)
            done.clear()

    for part in parts:
        for first in range(0, len(part.inputs), batch):
            rows = part.inputs[first : first + batch]
            padded = np.pad(rows, ((0, batch - len(rows)), (0, 0)))
            flying.append((part, len(rows), score(params, jnp.asarray(padded))))
            if len(flying) == _IN_FLIGHT:
                yield from land()
    while flying:
        yield from land()
