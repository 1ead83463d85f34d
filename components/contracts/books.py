"""The books of a run, as the first stage leaves them for the others."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from components.contracts.errors import DamagedError

BOOK, CONTROL = "book", "control"
"""The roles of a book: one that is asked about, and one that the model cannot have seen."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter: from its heading to the next one's, or to the end."""

    title: str
    start: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Book:
    """One book: its text, and where it came from.

    Every offset in this project counts the characters (Unicode code points) of `text`.
    """

    name: str
    """Unique in a run, and safe as a file name."""
    source: str
    """Where the user said it was."""
    text: str
    role: str = BOOK
    chapters: tuple[Chapter, ...] = ()
    """In the order of the text."""

    @property
    def sha256(self) -> str:
        """The hash of the text's UTF-8 bytes, without a byte order mark."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """What it is, but for the text and its chapters."""
        return {
            "name": self.name,
            "role": self.role,
            "source": self.source,
            "sha256": self.sha256,
            "characters": len(self.text),
        }


def write_books(folder: str | Path, books: list[Book]) -> None:
    """Write the texts and `manifest.json`, last, into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for book in books:
        (folder / f"{book.name}.txt").write_bytes(book.text.encode())
        rows.append({**book.identity(), "chapters": [dataclasses.asdict(chapter) for chapter in book.chapters]})
    (folder / "manifest.json").write_text(json.dumps({"books": rows}, indent=2) + "\n", encoding="utf-8")


def read_books(folder: str | Path) -> list[Book]:
    """The books that `write_books` wrote, newlines as they were.

    Raises:
        DamagedError: a text is not the one that was written.
    """
    folder = Path(folder)
    books = []
    for row in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["books"]:
        text = (folder / f"{row['name']}.txt").read_bytes().decode()
        chapters = tuple(Chapter(**chapter) for chapter in row["chapters"])
        book = Book(name=row["name"], source=row["source"], text=text, role=row["role"], chapters=chapters)
        if book.sha256 != row["sha256"]:
            raise DamagedError(f"{folder / row['name']}.txt has changed since it was written: run again from the start")
        books.append(book)
    return books
