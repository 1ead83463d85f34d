"""The books of a run, which the first stage writes and the others read."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from byheart.contracts.errors import BookError, DamagedError
from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.text_report import TextReport

BOOK, CONTROL = "book", "control"
"""The roles of a book: a book to measure, and a control, which the model cannot have seen."""

_MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter, from its heading to the next heading or the end of the book."""

    title: str
    start: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookList:
    """A list of books, as it was read."""

    source: str
    """Its path or address."""
    sha256: str
    """The SHA-256 of the list itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """The file of a book, and how its text was made from it."""

    file_bytes: int
    """The size of the file."""
    file_sha256: str
    """The SHA-256 of the file."""
    encoding: str
    """The name of its text codec in Python."""
    gutenberg: str
    """Project Gutenberg's header and footer: `none` if there are none, else `kept` or `cut`."""
    cut_front: int
    """Characters that were cut before the text."""
    cut_back: int
    """Characters that were cut after the text."""
    joined_lines: int
    """Line breaks that became spaces."""
    listed_in: BookList | None = None
    """The list that names the file; null if the run names it."""
    gutenberg_headers: int = 0
    """Lines of the file that end a header of Project Gutenberg; a cut is made after the first."""
    gutenberg_footers: int = 0
    """Lines of the file that begin a footer of Project Gutenberg; a cut is made before the last."""
    chapters: str = ""
    """The rule that found its chapters: the setting `chapters`, or what the list says in its place."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookIdentity:
    """Everything about a book except its text and its chapters."""

    name: str
    """Its folder among the results; unique in a run."""
    title: str
    """For people; may be empty."""
    role: str
    """`book` or `control`."""
    source: str
    """The path or address of its file."""
    sha256: str
    """The SHA-256 of the measured text in UTF-8."""
    characters: int
    """The length of the text."""
    origin: Origin | None
    """The book's file, and how the text was made from it."""
    report: TextReport | None
    """What kind of text it is; docs/books.md explains it."""

    @property
    def called(self) -> str:
        """Its title, or its name if there is none."""
        return self.title or self.name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Book:
    """A book: its text, and where it came from.

    Every offset in this project counts the characters (Unicode code points) of `text`.
    """

    name: str
    """Unique in a run, and safe as a file name."""
    source: str
    """The path or address of its file."""
    text: str
    role: str = BOOK
    title: str = ""
    """For people."""
    chapters: tuple[Chapter, ...] = ()
    """Chapters, in the order of the text."""
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
        """Everything about the book except its text and its chapters."""
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
    """A book, or a source of books, that cannot be measured."""

    source: str
    """Its path or address, as the run names it."""
    role: str
    """`book` or `control`."""
    why: str
    """One line: what was needed, what was found, what to do."""
    may_pass: bool = False
    """Whether a later attempt may succeed, as after a failure of the network."""


_NAMED = 3
"""The most refused books that a message names."""


def join_reasons(refused: Sequence[Refused]) -> str:
    """Why the first of these books cannot be measured, and how many more there are."""
    more = f"; and {len(refused) - _NAMED:,} more" if len(refused) > _NAMED else ""
    return "; ".join(book.why for book in refused[:_NAMED]) + more


def check_some_left(roles: Iterable[str], refused: Sequence[Refused]) -> None:
    """Check that at least one book is left to measure; controls do not count.

    Args:
        roles: of the books that are left.

    Raises:
        BookError: there is none; `may_pass` is True if it is for one of the refused books.
    """
    if BOOK in roles:
        return
    books = [book for book in refused if book.role == BOOK]
    reasons = join_reasons(books)
    message = f"books must leave one to measure, found {len(books):,} that cannot be measured: {reasons}"
    raise BookError(
        reasons if len(books) == 1 else message, parameter="books", may_pass=any(book.may_pass for book in books)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Row(BookIdentity):
    """A book in the manifest; its text is in a file of its own."""

    chapters: tuple[Chapter, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Manifest:
    books: list[_Row]
    refused: list[Refused]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Refusals:
    """The field that the manifests of books and of windows share."""

    refused: list[Refused]


def write_books(folder: str | Path, books: Sequence[Book], refused: Sequence[Refused] = ()) -> None:
    """Write the texts into `folder`, and `manifest.json` last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for book in books:
        (folder / f"{book.name}.txt").write_bytes(book.text.encode())
    rows = [_Row(**vars(book.identity), chapters=book.chapters) for book in books]
    write_json(folder / _MANIFEST, _Manifest(books=rows, refused=list(refused)))


def read_books(folder: str | Path) -> list[Book]:
    """The books that `write_books` wrote, with their newlines unchanged.

    Raises:
        DamagedError: a text has changed since it was written.
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
    """The names of the books that `write_books` wrote; reads no text."""
    return [row.name for row in read_json(Path(folder) / _MANIFEST, _Manifest).books]


def read_refused(folder: str | Path) -> list[Refused]:
    """The books that cannot be measured, in the order in which they were named.

    Args:
        folder: of `write_books` or `write_windows`; each holds the books that its stage refused.
    """
    return read_json(Path(folder) / _MANIFEST, _Refusals).refused
