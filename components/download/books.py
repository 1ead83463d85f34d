"""Books from local files and folders: found, read, and refused where they cannot be measured."""

import codecs
import itertools
import re
import unicodedata
from pathlib import Path

from components.contracts.books import BOOK, CONTROL, Book
from components.contracts.errors import BookError
from components.download.chapters import find_chapters, heading_pattern

_NAME_BYTES = 120
"""A name becomes a folder's and, with an extension, a file's; file systems take 255 bytes."""


def read_books_from(sources: list[str], controls: list[str], chapters: str) -> list[Book]:
    """The books at `sources`, then those at `controls`, in their order.

    A folder stands for its `.txt` files, in the order of their names.

    Args:
        controls: books in the role of control.
        chapters: how chapters are found, as `heading_pattern` takes it.

    Raises:
        BookError: none is named, or one is missing, unreadable, empty or not UTF-8.
    """
    if not sources or not all(sources):
        raise BookError("books must name at least one text file or folder, found an empty list or name: name a book")
    heading_pattern(chapters)
    paths = [(path, BOOK) for source in sources for path in _files(source)]
    paths += [(path, CONTROL) for source in controls for path in _files(source)]
    books: dict[str, Book] = {}
    for path, role in paths:
        stem = _stem(path)
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        name = next(name for name in names if name.casefold() not in books)  # one file on a Mac
        text = _text(path)
        found = find_chapters(text, chapters)
        books[name.casefold()] = Book(name=name, source=str(path), text=text, role=role, chapters=found)
    return list(books.values())


def _stem(path: Path) -> str:
    """What a book is called after its file: safe anywhere, and without a dot, so that no file of a run is called so."""
    words = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", path.stem)).strip("-")
    return words.encode()[:_NAME_BYTES].decode(errors="ignore").strip("-") or "book"


def _files(source: str) -> list[Path]:
    if "://" in source:
        raise BookError(f"books must be local files or folders, found {source}: copy it here first")
    path = Path(source)
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if _is_text(file))
    if not files:
        raise BookError(f"{path} must hold at least one .txt file, found none: name the book's file")
    return files


def _is_text(file: Path) -> bool:
    return file.suffix.lower() == ".txt" and not file.name.startswith(".") and not file.is_dir()


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise BookError(f"{path} must be a file, found a pipe or a device: save the text as a file")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BookError(f"books must name files that exist, found no {path}: check the path") from None
    except OSError as error:
        raise BookError(f"{path} must be a readable file, found: {error.strerror}: permit it or name another") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BookError(f"{path} must be UTF-8 text, found UTF-16 (bytes 0x{data[:2].hex()} at offset 0): convert it")
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BookError(
            f"{path} must be UTF-8 text, found byte 0x{data[error.start]:02x} at offset {error.start:,}: convert it"
        ) from None
    if "\0" in text:
        raise BookError(
            f"{path} must be text, found a NUL byte at offset {data.index(0):,}, as in binary files and in UTF-16: "
            "convert it to UTF-8 or name another file"
        )
    if not text.strip():
        raise BookError(f"{path} must hold text, found none: name another file")
    return text
