"""Books from local files and folders: found, read, and refused where they cannot be measured."""

import itertools
import re
from pathlib import Path

from components.contracts.books import BOOK, CONTROL, Book
from components.contracts.errors import BookError
from components.download.chapters import find_chapters, heading_pattern


def read_books_from(sources: list[str], controls: list[str], chapters: str) -> list[Book]:
    """The books at `sources`, then those at `controls`, in their order.

    A folder stands for its `.txt` files, in the order of their names.

    Args:
        controls: books in the role of control.
        chapters: how chapters are found, as `heading_pattern` takes it.

    Raises:
        BookError: none is named, or one is missing, unreadable, empty or not UTF-8.
    """
    if not sources:
        raise BookError("books must name at least one text file or folder, found an empty list: name a book")
    pattern = heading_pattern(chapters)
    paths = [(path, BOOK) for source in sources for path in _files(source)]
    paths += [(path, CONTROL) for source in controls for path in _files(source)]
    books: dict[str, Book] = {}
    for path, role in paths:
        stem = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "book"
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        name = next(name for name in names if name not in books)
        text = _text(path)
        found = find_chapters(text, pattern)
        books[name] = Book(name=name, source=str(path), text=text, role=role, chapters=found)
    return list(books.values())


def _files(source: str) -> list[Path]:
    path = Path(source)
    if "://" in source:
        raise BookError(f"books must be local files or folders, found {source}: copy it here first")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("*.txt") if not file.name.startswith("."))
    if not files:
        raise BookError(f"{path} must hold at least one .txt file, found none: name the book's file")
    return files


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BookError(f"books must name files that exist, found no {path}: check the path") from None
    except OSError as error:
        raise BookError(f"{path} must be a readable file, found: {error.strerror}") from None
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BookError(
            f"{path} must be UTF-8 text, found byte 0x{data[error.start]:02x} at offset {error.start:,}: convert it"
        ) from None
    if not text.strip():
        raise BookError(f"{path} must hold text, found none: name another file")
    return text
