"""What there is to score, and what of it is in the store already, whole."""

import dataclasses
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from components.contracts.books import Book, read_books
from components.contracts.errors import DamagedError, StoreError
from components.contracts.model import Model
from components.contracts.progress import say
from components.contracts.scores import (
    about_name,
    estimate_bytes,
    fingerprint,
    folder_name,
    part_from_bytes,
    part_name,
    part_ranges,
)
from components.contracts.settings import Settings
from components.contracts.version import code_version
from components.contracts.windows import ControlSample, Tokenization, Windows, control_sample, read_windows
from components.store import Store

_READERS = 8
"""Parts that are read at once to see whether they are whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part to compute: some windows of a book, as model input."""

    address: str
    number: int
    inputs: np.ndarray
    """int32 [W, T]: the BOS if there is one, the prompt and the scored tokens."""
    replaces: bool
    """Whether what the store holds of it is damaged, or not wanted."""

    @property
    def name(self) -> str:
        """Where it lies in the store."""
        return part_name(self.address, self.number)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """The windows of a run."""

    addresses: dict[str, str]
    """Where the scores of each book lie."""
    control_addresses: dict[str, str]
    """Where those of its control sample lie, if it has one."""
    windows: int
    missing: list[Part]
    """What is still to compute."""

    @property
    def windows_done(self) -> int:
        """Windows whose scores are in the store."""
        return self.windows - sum(len(part.inputs) for part in self.missing)


def work_of(
    books: str, windows: str, store: Store, model: Model, tokenization: Tokenization, settings: Settings, *, force: bool
) -> Work:
    """The work of a run.

    Args:
        books, windows: what the stages before wrote.
        settings: what was left open in them is chosen.
        force: take all parts as missing.
    """
    work = Work(addresses={}, control_addresses={}, windows=0, missing=[])
    missing: dict[str, list[Part]] = {}
    total = 0
    for book in read_books(books):
        rows = read_windows(windows, book.name)
        inputs = _model_input(rows, settings, tokenization)
        sample = control_sample(rows, settings.control.control_sample)
        sampled = _control_input(inputs, sample, tokenization)
        for addresses, what, model_input in (
            (work.addresses, "windows", inputs),
            (work.control_addresses, "control sample", sampled),
        ):
            if not len(model_input):
                continue
            address = addresses[book.name] = fingerprint(
                model_input=model_input,
                book_sha256=book.sha256,
                weights_sha256=model.weights_sha256,
                tokenization=tokenization,
                window=settings.window,
                score=settings.score,
            )
            if address not in missing:  # the same text under two names is scored once
                total += len(model_input)
                missing[address] = _missing_parts(store, address, model_input, force=force)
                _describe(store, address, what, book, len(model_input), model, settings)
    parts = [part for some in missing.values() for part in some]
    return dataclasses.replace(work, windows=total, missing=parts)


def check_room(store: Store, parts: Iterable[Part], scored_tokens: int) -> None:
    """Refuse a store that is too small for the parts, before the weights are loaded.

    Raises:
        StoreError: it is.
    """
    needed, free = estimate_bytes((len(part.inputs) for part in parts), scored_tokens), store.free_bytes()
    if free is not None and free < needed:
        raise StoreError(
            f"store must have {needed:,} bytes free for the scores to come, found {free:,} at "
            f"{store.locate('scores')}: make room or choose another store"
        )


def _missing_parts(store: Store, address: str, inputs: np.ndarray, *, force: bool) -> list[Part]:
    """The parts at an address that are not in the store, or not whole."""
    held = {stored.name for stored in store.list(f"{folder_name(address)}/")}

    def wanting(number: int, rows: range) -> Part | None:
        name = part_name(address, number)
        part = Part(address=address, number=number, inputs=inputs[rows.start : rows.stop], replaces=name in held)
        if force or name not in held:
            return part
        try:
            part_from_bytes(store.read(name), address, number, len(rows), name=store.locate(name))
        except DamagedError:
            say(f"damaged, and computed again: {store.locate(name)}")
            return part
        return None

    with ThreadPoolExecutor(_READERS) as pool:
        return [part for part in pool.map(wanting, *zip(*enumerate(part_ranges(len(inputs))), strict=True)) if part]


def _describe(
    store: Store, address: str, what: str, book: Book, windows: int, model: Model, settings: Settings
) -> None:
    """Leave word, for people, of what is kept at an address."""
    about = {
        "what": what,
        "book": book.identity(),
        "model": {name: value for name, value in vars(model).items() if name != "path"},
        "windows": windows,
        "parts": len(part_ranges(windows)),
        "settings": {"window": dataclasses.asdict(settings.window), "score": dataclasses.asdict(settings.score)},
        "code": code_version(),
    }
    if not store.exists(about_name(address)):
        store.create(about_name(address), (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode())


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
