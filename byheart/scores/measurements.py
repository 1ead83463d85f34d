"""The measurements of a run: for each book its windows and its control sample, each with its address in the store."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from byheart.contracts.books import Book
from byheart.contracts.model import Model
from byheart.contracts.model_input import read_control_input, read_model_input
from byheart.contracts.selection import Selection
from byheart.contracts.settings import Settings
from byheart.contracts.version import code_version
from byheart.contracts.window_files import read_measured_books, read_selection
from byheart.contracts.windows import Tokenization
from byheart.scores.address import compute_address
from byheart.scores.kinds import SCORES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """Windows of a book, and the address of their scores."""

    book: str
    """The name of the book."""
    is_control: bool
    """Whether the windows are the control sample of the book."""
    address: str
    windows: int
    """How many windows the address has."""
    scored_tokens: int
    """How many suffix tokens its scores have room for: as many as any of its windows has."""
    selection: Selection | None
    """Which windows are selected; None is all."""
    about: dict[str, Any]
    """The content of about.json."""


def find_measurements(
    books: str, windows: str, model: Model, tokenization: Tokenization, settings: Settings
) -> Iterator[Measurement]:
    """The measurements of every book; only one book's windows are in memory at a time.

    Args:
        books, windows: what the earlier stages wrote.
        settings: their precision is resolved: never `auto`.
    """
    for book in read_measured_books(books, windows):
        for read, is_control in ((read_model_input, False), (read_control_input, True)):
            if is_control and not settings.control.control_sample:
                continue
            rows = read(windows, book.name, settings, tokenization)
            if not len(rows):
                continue
            address = compute_address(
                model_input=rows,
                scored_tokens=tokenization.scored_tokens,
                weights_sha256=model.weights_sha256,
                score=settings.score,
            )
            about = _describe("control sample" if is_control else "windows", book, len(rows), model, settings)
            yield Measurement(
                book=book.name,
                is_control=is_control,
                address=address,
                windows=len(rows),
                scored_tokens=rows.count_scored(tokenization.scored_tokens),
                selection=None if is_control else _read_partial_selection(windows, book.name),
                about=about,
            )


def _read_partial_selection(windows: str, book: str) -> Selection | None:
    """Which windows of a book are selected; None is all."""
    selection = read_selection(windows, book)
    return selection if selection.count < selection.of else None


def _describe(what: str, book: Book, windows: int, model: Model, settings: Settings) -> dict[str, Any]:
    return {
        "what": what,
        "book": book.identity,
        "model": model.identity,
        "windows": windows,
        "parts": SCORES.count_parts(windows),
        "settings": {"window": settings.window, "score": settings.score},
        "code": code_version(),
    }
