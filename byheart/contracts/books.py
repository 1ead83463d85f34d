"""The books of a run, as the first stage leaves them for the others."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from byheart.contracts.errors import BookError, DamagedError
from byheart.contracts.text_report import TextReport

BOOK, CONTROL = "book", "control"
"""The roles of a book: one that is asked about, and one that the model cannot have seen."""

_MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter: from its heading to the next one's, or to the end."""

    title: str
    start: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """The file that a text was made from, and what was done to it on the way."""

    file_bytes: int
    """Its size."""
    file_sha256: str
    """As `sha256sum` says it."""
    encoding: str
    """Python's name of it."""
    gutenberg: str
    """Project Gutenberg's header and footer: `none` were found, or they were `kept`, or `cut`."""
    cut_front: int
    """Characters that were cut before the text."""
    cut_back: int
    """Characters that were cut behind it."""
    joined_lines: int
    """Line breaks that became spaces."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Book:
    """One book: its text, and where it came from.

    Every offset in this project counts the characters (Unicode code points) of `text`.
    """

    name: str
    """Unique in a run, and safe as a file name."""
    source: str
    """Where it was found."""
    text: str
    role: str = BOOK
    title: str = ""
    """For people."""
    chapters: tuple[Chapter, ...] = ()
    """In the order of the text."""
    origin: Origin | None = None
    report: TextReport | None = None

    @property
    def called(self) -> str:
        """Its title, or its name if there is none."""
        return self.title or self.name

    @property
    def sha256(self) -> str:
        """The hash of the text's UTF-8 bytes, without a byte order mark."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """What it is, but for the text and its chapters."""
        return {
            "name": self.name,
            "title": self.title,
            "role": self.role,
            "source": self.source,
            "sha256": self.sha256,
            "characters": len(self.text),
            "origin": self.origin and dataclasses.asdict(self.origin),
            "report": self.report and dataclasses.asdict(self.report),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refused:
    """A book, or a source of books, that could not be brought."""

    source: str
    """Where it was looked for."""
    role: str
    """`book` or `control`."""
    why: str
    """One line: what was needed, what was found, what to do."""


_NAMED = 3
"""Refused books that one message names."""


def check_some_left(books: Iterable[Book], refused: Sequence[Refused]) -> None:
    """Refuse a run in which no book in the role of book is left.

    Raises:
        BookError: there is none.
    """
    if any(book.role == BOOK for book in books):
        return
    why = [one.why for one in refused if one.role == BOOK]
    if len(why) == 1:
        raise BookError(why[0])
    rest = f"; and {len(why) - _NAMED:,} more" if len(why) > _NAMED else ""
    raise BookError(
        f"books must leave one to measure, found {len(why):,} that cannot be measured: {'; '.join(why[:_NAMED])}{rest}"
    )


def write_books(folder: str | Path, books: Sequence[Book], refused: Sequence[Refused] = ()) -> None:
    """Write the texts and `manifest.json`, last, into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for book in books:
        (folder / f"{book.name}.txt").write_bytes(book.text.encode())
        rows.append({**book.identity(), "chapters": [dataclasses.asdict(chapter) for chapter in book.chapters]})
    manifest = {"books": rows, "refused": [dataclasses.asdict(one) for one in refused]}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_books(folder: str | Path) -> list[Book]:
    """The books that `write_books` wrote, newlines as they were.

    Raises:
        DamagedError: a text is not the one that was written.
    """
    folder = Path(folder)
    books = []
    for row in _manifest(folder)["books"]:
        book = Book(
            name=row["name"],
            source=row["source"],
            text=(folder / f"{row['name']}.txt").read_bytes().decode(),
            role=row["role"],
            title=row["title"],
            chapters=tuple(Chapter(**chapter) for chapter in row["chapters"]),
            origin=row["origin"] and Origin(**row["origin"]),
            report=row["report"] and TextReport(**row["report"]),
        )
        if book.sha256 != row["sha256"]:
            raise DamagedError(f"{folder / row['name']}.txt has changed since it was written: run again from the start")
        books.append(book)
    return books


def read_refused(folder: str | Path) -> list[Refused]:
    """The books that cannot be measured, in the order in which they were named.

    Args:
        folder: what `write_books` or `write_windows` wrote; each knows those that its stage refused.
    """
    return [Refused(**row) for row in _manifest(Path(folder))["refused"]]


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
