"""At which addresses the scores of a run lie, and what is said there, for people, of what they are."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from byheart.contracts.books import Book
from byheart.contracts.model import Model
from byheart.contracts.model_input import control_input, model_input
from byheart.contracts.settings import Settings
from byheart.contracts.version import code_version
from byheart.contracts.windows import Tokenization, read_measured_books
from byheart.scores.scores import about_name, fingerprint, part_ranges
from byheart.store import Store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored:
    """Some windows of a book, and where their scores lie."""

    book: str
    """Its name."""
    is_control: bool
    """Whether they are the book's control sample."""
    address: str
    windows: int
    about: dict[str, Any]
    """What is said of them."""


def scored_windows(
    books: str, windows: str, model: Model, tokenization: Tokenization, settings: Settings
) -> Iterator[Scored]:
    """What is scored of each book, one after the other.

    Args:
        books, windows: what the stages before wrote.
        settings: what was left open in them is chosen.
    """
    for book in read_measured_books(books, windows):
        for read, is_control in ((model_input, False), (control_input, True)):
            if is_control and not settings.control.control_sample:
                continue
            rows = read(windows, book.name, settings, tokenization)
            if not len(rows):
                continue
            address = fingerprint(
                model_input=rows,
                book_sha256=book.sha256,
                weights_sha256=model.weights_sha256,
                tokenization=tokenization,
                window=settings.window,
                score=settings.score,
            )
            about = _about("control sample" if is_control else "windows", book, len(rows), model, settings)
            yield Scored(book=book.name, is_control=is_control, address=address, windows=len(rows), about=about)


def describe(store: Store, scored: Scored) -> None:
    """Leave word, for people, of what is kept at an address."""
    name = about_name(scored.address)
    if not store.exists(name):
        store.create(name, (json.dumps(scored.about, indent=2, ensure_ascii=False) + "\n").encode())


def _about(what: str, book: Book, windows: int, model: Model, settings: Settings) -> dict[str, Any]:
    return {
        "what": what,
        "book": book.identity(),
        "model": {name: value for name, value in vars(model).items() if name != "address"},
        "windows": windows,
        "parts": len(part_ranges(windows)),
        "settings": {"window": dataclasses.asdict(settings.window), "score": dataclasses.asdict(settings.score)},
        "code": code_version(),
    }
