"""What there is to score, and what of it is in the store already, whole."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from components.contracts.books import Book
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
from components.contracts.windows import (
    Tokenization,
    control_sample,
    read_measured_books,
    read_token_ids,
    read_windows,
)
from components.store import Store

_READERS = 8
"""Parts that are read at once to see whether they are whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part to compute: some windows of a book."""

    address: str
    number: int
    rows: range
    """The windows, by their place among those of the address."""
    replaces: bool
    """Whether what the store holds of it is damaged, or not wanted."""

    @property
    def name(self) -> str:
        """Where it lies in the store."""
        return part_name(self.address, self.number)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """One of the tasks that share the parts of a run, in turn."""

    index: int
    """From 0."""
    count: int

    @classmethod
    def parse(cls, name: str) -> "Shard":
        """Of `1/3`, the first of three."""
        number, count = name.split("/")
        return cls(index=int(number) - 1, count=int(count))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """The windows of a shard."""

    addresses: dict[str, str]
    """Where the scores of each book lie."""
    control_addresses: dict[str, str]
    """Where those of its control sample lie, if it has one."""
    windows: dict[str, int]
    """How many are this shard's, at each address."""
    missing: list[Part]
    """What is still to compute."""
    loaders: dict[str, Callable[[], np.ndarray]]
    """What reads the model input of each address anew, int32 [W, T]: books are many, and memory is not."""

    @property
    def total(self) -> int:
        """Windows of this shard."""
        return sum(self.windows.values())

    @property
    def done(self) -> int:
        """Those of them whose scores are in the store."""
        return self.total - sum(len(part.rows) for part in self.missing)

    def inputs(self, parts: Iterable[Part]) -> Iterator[tuple[Part, np.ndarray]]:
        """Each part with its model input: the BOS if there is one, the prompt and the scored tokens."""
        for address, some in itertools.groupby(parts, key=lambda part: part.address):
            model_input = self.loaders[address]()
            for part in some:
                yield part, model_input[part.rows.start : part.rows.stop]


def work_of(
    books: str,
    windows: str,
    store: Store,
    model: Model,
    tokenization: Tokenization,
    settings: Settings,
    shard: Shard,
) -> Work:
    """The work of one shard of a run.

    Args:
        books, windows: what the stages before wrote.
        settings: what was left open in them is chosen.
    """
    work = Work(addresses={}, control_addresses={}, windows={}, missing=[], loaders={})
    turns = itertools.cycle(range(shard.count))
    for book in read_measured_books(books, windows):
        kinds = [(work.addresses, "windows", partial(_model_input, windows, book.name, settings, tokenization))]
        if settings.control.control_sample:
            sampled = partial(_control_input, windows, book.name, settings, tokenization)
            kinds.append((work.control_addresses, "control sample", sampled))
        for addresses, what, loader in kinds:
            model_input = loader()
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
            if address not in work.loaders:  # the same text under two names is scored once
                work.loaders[address] = loader
                parts = enumerate(part_ranges(len(model_input)))
                mine = {number: rows for number, rows in parts if next(turns) == shard.index}
                work.windows[address] = sum(map(len, mine.values()))
                work.missing.extend(_missing_parts(store, address, mine, force=settings.reuse.force))
                _describe(store, address, what, book, len(model_input), model, settings)
    return work


def check_room(store: Store, parts: Iterable[Part], scored_tokens: int) -> None:
    """Refuse a store that is too small for the parts, before the weights are loaded.

    Raises:
        StoreError: it is.
    """
    needed, free = estimate_bytes((len(part.rows) for part in parts), scored_tokens), store.free_bytes()
    if free is not None and free < needed:
        raise StoreError(
            f"store must have {needed:,} bytes free for the scores to come, found {free:,} at "
            f"{store.locate('scores')}: make room or choose another store"
        )


def _missing_parts(store: Store, address: str, wanted: dict[int, range], *, force: bool) -> list[Part]:
    """Those of the parts at an address, given as their windows by number, that are not in the store, or not whole."""
    held = {stored.name for stored in store.list(f"{folder_name(address)}/")}

    def wanting(number: int, rows: range) -> Part | None:
        name = part_name(address, number)
        part = Part(address=address, number=number, rows=rows, replaces=name in held)
        if force or name not in held:
            return part
        try:
            part_from_bytes(store.read(name), address, number, len(rows), name=store.locate(name))
        except DamagedError:
            say(f"damaged, and computed again: {store.locate(name)}")
            return part
        return None

    with ThreadPoolExecutor(_READERS) as pool:
        return [part for part in pool.map(wanting, wanted.keys(), wanted.values()) if part]


def _describe(
    store: Store, address: str, what: str, book: Book, windows: int, model: Model, settings: Settings
) -> None:
    """Leave word, for people, of what is kept at an address."""
    about = {
        "what": what,
        "book": book.identity(),
        "model": {name: value for name, value in vars(model).items() if name != "address"},
        "windows": windows,
        "parts": len(part_ranges(windows)),
        "settings": {"window": dataclasses.asdict(settings.window), "score": dataclasses.asdict(settings.score)},
        "code": code_version(),
    }
    if not store.exists(about_name(address)):
        store.create(about_name(address), (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode())


def _model_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> np.ndarray:
    """int32 [W, T]: the BOS if there is one, then each window's tokens up to the last scored one."""
    ids = read_token_ids(windows, book)[:, : settings.window.prompt_tokens + tokenization.scored_tokens]
    return ids if tokenization.bos_id is None else np.insert(ids, 0, tokenization.bos_id, axis=1)


def _control_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> np.ndarray:
    """int32 [N, T]: what comes before the suffix in one window, then the suffix of another."""
    inputs = _model_input(windows, book, settings, tokenization)
    sample = control_sample(read_windows(windows, book), settings.control.control_sample)
    prompts, suffixes = inputs[sample.prompt_window], inputs[sample.suffix_window]
    return np.concatenate([prompts[:, : -tokenization.scored_tokens], suffixes[:, -tokenization.scored_tokens :]], 1)
