"""The books of a run, as the first stage leaves them for the others."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from byheart.contracts.errors import BookError, DamagedError
from byheart.contracts.json_files import read_json, write_json
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
class BookIdentity:
    """What is said of a book, but for its text and its chapters."""

    name: str
    """Its folder among the results; unique in a run."""
    title: str
    """For people; may be empty."""
    role: str
    """`book` or `control`."""
    source: str
    """Where it was found."""
    sha256: str
    """Of the text's UTF-8 bytes, as they were measured."""
    characters: int
    """Its length."""
    origin: Origin | None
    """The file that the text was made from, and what was done to it on the way."""
    report: TextReport | None
    """What kind of text it is; docs/books.md explains it."""

    @property
    def called(self) -> str:
        """Its title, or its name if there is none."""
        return self.title or self.name


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

    @property
    def identity(self) -> BookIdentity:
        """What it is, but for the text and its chapters."""
        return BookIdentity(
            name=self.name,
            title=self.title,
            role=self.role,
            source=self.source,
            sha256=self.sha256,
            characters=len(self.text),
            origin=self.origin,
            report=self.report,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refused:
    """A book, or a source of books, that could not be brought."""

    source: str
    """Where it was looked for."""
    role: str
    """`book` or `control`."""
    why: str
    """One line: what was needed, what was found, what to do."""
    may_pass: bool = False
    """Whether the same attempt may bring it later, as after a network's failure; else it is refused for good."""


_NAMED = 3
"""Refused books that one message names."""


def check_some_left(roles: Iterable[str], refused: Sequence[Refused]) -> None:
    """Refuse a run in which no book in the role of book is left.

    Args:
        roles: of the books that are left.

    Raises:
        BookError: there is none; it may pass if one of those that were refused may be there later.
    """
    if BOOK in roles:
        return
    books = [one for one in refused if one.role == BOOK]
    why = [one.why for one in books]
    rest = f"; and {len(why) - _NAMED:,} more" if len(why) > _NAMED else ""
    message = (
        f"books must leave one to measure, found {len(why):,} that cannot be measured: {'; '.join(why[:_NAMED])}{rest}"
    )
    raise BookError(
        why[0] if len(why) == 1 else message, parameter="books", may_pass=any(one.may_pass for one in books)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Row(BookIdentity):
    """A book in the manifest; its text is in a file beside it."""

    chapters: tuple[Chapter, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Manifest:
    books: list[_Row]
    refused: list[Refused]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Refusals:
    """What the manifests of books and of windows have in common."""

    refused: list[Refused]


def write_books(folder: str | Path, books: Sequence[Book], refused: Sequence[Refused] = ()) -> None:
    """Write the texts and `manifest.json`, last, into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for book in books:
        (folder / f"{book.name}.txt").write_bytes(book.text.encode())
    rows = [_Row(**vars(book.identity), chapters=book.chapters) for book in books]
    write_json(folder / _MANIFEST, _Manifest(books=rows, refused=list(refused)))


def read_books(folder: str | Path) -> list[Book]:
    """The books that `write_books` wrote, newlines as they were.

    Raises:
        DamagedError: a text is not the one that was written.
    """
    folder = Path(folder)
    books = []
    for row in read_json(folder / _MANIFEST, _Manifest).books:
        book = Book(
            name=row.name,
            source=row.source,
            text=(folder / f"{row.name}.txt").read_bytes().decode(),
            role=row.role,
            title=row.title,
            chapters=row.chapters,
            origin=row.origin,
            report=row.report,
        )
        if book.sha256 != row.sha256:
            raise DamagedError(f"{folder / row.name}.txt has changed since it was written: run again from the start")
        books.append(book)
    return books


def read_book_names(folder: str | Path) -> list[str]:
    """The names of the books that `write_books` wrote; no text is read."""
    return [row.name for row in read_json(Path(folder) / _MANIFEST, _Manifest).books]


def read_refused(folder: str | Path) -> list[Refused]:
    """The books that cannot be measured, in the order in which they were named.

    Args:
        folder: what `write_books` or `write_windows` wrote; each knows those that its stage refused.
    """
    return read_json(Path(folder) / _MANIFEST, _Refusals).refused
