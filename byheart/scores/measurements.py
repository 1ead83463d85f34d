"""What a run measures: for each book its windows, and its control sample, each at an address of the store."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from byheart.contracts.books import Book
from byheart.contracts.model import Model
from byheart.contracts.model_input import read_control_input, read_model_input
from byheart.contracts.settings import Settings
from byheart.contracts.version import code_version
from byheart.contracts.windows import Selection, Tokenization, read_measured_books, read_selection
from byheart.scores.address import address_of
from byheart.scores.kinds import SCORES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """Windows of a book, and the address of their scores."""

    book: str
    """Its name."""
    is_control: bool
    """Whether they are the book's control sample."""
    address: str
    windows: int
    """How many the address has."""
    selection: Selection | None
    """Which of them are asked for; None is all."""
    about: dict[str, Any]
    """What about.json says of them."""


def find_measurements(
    books: str, windows: str, model: Model, tokenization: Tokenization, settings: Settings
) -> Iterator[Measurement]:
    """What is measured of each book, one book after the other.

    Args:
        books, windows: what the stages before wrote.
        settings: precision is resolved, never `auto`.
    """
    for book in read_measured_books(books, windows):
        for read, is_control in ((read_model_input, False), (read_control_input, True)):
            if is_control and not settings.control.control_sample:
                continue
            rows = read(windows, book.name, settings, tokenization)
            if not len(rows):
                continue
            address = address_of(
                model_input=rows,
                scored_tokens=tokenization.scored_tokens,
                weights_sha256=model.weights_sha256,
                score=settings.score,
            )
            about = _about("control sample" if is_control else "windows", book, len(rows), model, settings)
            yield Measurement(
                book=book.name,
                is_control=is_control,
                address=address,
                windows=len(rows),
                selection=None if is_control else _part(windows, book.name),
                about=about,
            )


def _part(windows: str, book: str) -> Selection | None:
    """Which windows of a book are measured; None is all."""
    selection = read_selection(windows, book)
    return selection if selection.count < selection.of else None


def _about(what: str, book: Book, windows: int, model: Model, settings: Settings) -> dict[str, Any]:
    return {
        "what": what,
        "book": book.identity,
        "model": {name: value for name, value in vars(model).items() if name != "address"},
        "windows": windows,
        "parts": SCORES.part_count(windows),
        "settings": {"window": settings.window, "score": settings.score},
        "code": code_version(),
    }
