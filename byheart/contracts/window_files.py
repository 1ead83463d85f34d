"""The files of windows, which `tokenize` writes and `extract` and `plot` read."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.books import Book, Refused, read_books
from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.selection import Selection
from byheart.contracts.setting_groups import round_up_tokens
from byheart.contracts.windows import Tokenization, Windows

_MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Manifest:
    tokenization: Tokenization
    refused: list[Refused]


def write_windows(
    folder: str | Path, tokenization: Tokenization, books: Iterable[tuple[str, Windows, Selection] | Refused]
) -> Tokenization:
    """Write the windows of each book into `folder`, and `manifest.json` last; returns the tokenization that it holds.

    Args:
        tokenization: if it is padded, its numbers of tokens are raised to the most of any window, and rounded up.
        books: for each book its name, its windows and which of them are measured, or why it has none; only one book's
            windows are in memory at a time.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    refused = []
    for book in books:
        if isinstance(book, Refused):
            refused.append(book)
        else:
            name, windows, selection = book
            if tokenization.is_padded:
                tokenization = _raise_tokens(tokenization, windows)
            _file(folder, name).write_bytes(windows.to_bytes())
            write_json(_selection_file(folder, name), selection)
    write_json(folder / _MANIFEST, _Manifest(tokenization=tokenization, refused=refused))
    return tokenization


def _raise_tokens(tokenization: Tokenization, windows: Windows) -> Tokenization:
    most = {
        "prompt_tokens": int(windows.prompt_tokens.max(initial=1)),
        "scored_tokens": int(windows.suffix_tokens.max(initial=1)),
    }
    raised = {name: max(getattr(tokenization, name), round_up_tokens(tokens)) for name, tokens in most.items()}
    return dataclasses.replace(tokenization, **raised)


def read_tokenization(folder: str | Path) -> Tokenization:
    """How the windows in `folder` were made."""
    return read_json(Path(folder) / _MANIFEST, _Manifest).tokenization


def has_windows(folder: str | Path, book: str) -> bool:
    """Whether `write_windows` wrote windows of the book of that name."""
    return _file(folder, book).is_file()


def read_measured_books(books: str | Path, windows: str | Path) -> list[Book]:
    """The books that have windows."""
    return [book for book in read_books(books) if has_windows(windows, book.name)]


def read_windows(folder: str | Path, book: str) -> Windows:
    """One book's windows."""
    path = _file(folder, book)
    return Windows.from_bytes(path.read_bytes(), name=str(path))


def read_token_ids(folder: str | Path, book: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`token_ids`, `prompt_tokens` and `suffix_tokens` of one book's windows.

    Scoring needs no more, and this reads a fifth of the bytes.
    """
    path = _file(folder, book)
    names = ["token_ids", "prompt_tokens", "suffix_tokens"]
    columns, _ = parquet.from_bytes(path.read_bytes(), name=str(path), columns=names)
    return columns["token_ids"], columns["prompt_tokens"], columns["suffix_tokens"]


def read_selection(folder: str | Path, book: str) -> Selection:
    """Which of one book's windows are measured."""
    return read_json(_selection_file(folder, book), Selection)


def _file(folder: str | Path, book: str) -> Path:
    return Path(folder) / f"{book}.parquet"


def _selection_file(folder: str | Path, book: str) -> Path:
    return Path(folder) / f"{book}.selection.json"
