"""How long books are, roughly: their characters, without any of what a run does to texts."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from byheart.contracts.errors import BookError
from byheart.store import open_store


def count_characters(books: Sequence[str]) -> list[int]:
    """The characters of each book; of those at gs:// the bytes, which are a few more.

    Raises:
        BookError: nothing is there, or it is an address that a plan does not read.
    """
    return [characters for book in books for characters in _of_source(book)]


def _of_source(book: str) -> list[int]:
    if book.startswith("gs://"):
        found = list(_in_bucket(book))
    elif "://" in book or book.startswith("@"):
        raise BookError(f"a plan counts local books and those at gs://, found {book}: leave it out, or bring it first")
    else:
        found = list(_in_files(book))
    if not found:
        raise BookError(f"books must be text files, folders of .txt files or globs, found none at {book!r}: check it")
    return found


def _in_files(book: str) -> Iterator[int]:
    names = [book] if Path(book).exists() else sorted(glob.glob(book, recursive=True))  # noqa: PTH207
    for path in map(Path, names):
        for file in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
            try:
                yield len(file.read_text(encoding="utf-8", errors="replace"))
            except OSError as error:
                raise BookError(f"{file} must be a readable file, found: {error.strerror}: permit it") from None


def _in_bucket(book: str) -> Iterator[int]:
    bucket, _, name = book.removeprefix("gs://").partition("/")
    for stored in open_store(f"gs://{bucket}").list(name.split("*")[0]):
        if stored.name == name or stored.name.endswith(".txt"):
            yield stored.size_bytes
