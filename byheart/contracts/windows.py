"""The windows of a book, as `tokenize` hands them to `extract` and `plot`."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.books import Book, Refused, read_books
from byheart.contracts.json_files import read_json, write_json

_MANIFEST = "manifest.json"
_COLUMNS = ("cursor", "start", "suffix_start", "stop", "token_ids", "token_stops")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """The windows of one book, in the order of their cursors; W windows of T tokens.

    Positions count the book's characters; spans are half-open.

        cursor = start     suffix_start            stop
          |                     |                   |
          v  prompt tokens      v  scored tokens    v
        ..[T][he ][fer][ryman ] [did][ not][ ans][wer].. the slice goes on
    """

    cursor: np.ndarray
    """int64 [W]: where the slice begins."""
    start: np.ndarray
    """int64 [W]: where the first token begins."""
    suffix_start: np.ndarray
    """int64 [W]: where the last prompt token stops."""
    stop: np.ndarray
    """int64 [W]: where the last scored token stops."""
    token_ids: np.ndarray
    """int32 [W, T]: without the BOS."""
    token_stops: np.ndarray
    """int64 [W, T]: where each token stops; never falls along a window."""
    dropped_tail: int
    """Cursors without a window because the book ends before the slice has enough tokens."""
    dropped_inside: int
    """Cursors without a window although the slice has its full length."""

    def __len__(self) -> int:
        return len(self.cursor)

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def to_bytes(self) -> bytes:
        """The windows as one Parquet file."""
        dropped = {"dropped_tail": self.dropped_tail, "dropped_inside": self.dropped_inside}
        return parquet.to_bytes(self.columns(), dropped)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> "Windows":
        """The windows that `to_bytes` wrote; `name` is for the error."""
        columns, dropped = parquet.from_bytes(data, name=name)
        return cls(**columns, dropped_tail=int(dropped["dropped_tail"]), dropped_inside=int(dropped["dropped_inside"]))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ControlSample:
    """N suffixes, each under the prompt of another window; both are indices of windows, int64 [N]."""

    suffix_window: np.ndarray
    prompt_window: np.ndarray

    def __len__(self) -> int:
        return len(self.suffix_window)


def control_sample(windows: Windows, count: int) -> ControlSample:
    """At most `count` suffixes, evenly spread over the book, each under the prompt from half a book away.

    What a suffix scores without its own context is how probable the text is by itself. A pair whose windows overlap,
    as in a book of few windows, is left out.
    """
    chosen = min(count, len(windows))
    suffixes = (2 * np.arange(chosen) + 1) * len(windows) // (2 * max(chosen, 1))
    prompts = (suffixes + len(windows) // 2) % max(len(windows), 1)
    apart = (windows.stop[prompts] <= windows.start[suffixes]) | (windows.stop[suffixes] <= windows.start[prompts])
    return ControlSample(suffix_window=suffixes[apart], prompt_window=prompts[apart])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenization:
    """How the books of a run were tokenized."""

    tokenizer_sha256: str
    """Of tokenizer.json."""
    tokenizers: str
    """The release of the library that ran it."""
    bos_id: int | None
    """The id fed before each window; None feeds none."""
    scored_tokens: int
    """S, suffix tokens scored in each window."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Manifest:
    tokenization: Tokenization
    refused: list[Refused]


def write_windows(
    folder: str | Path, tokenization: Tokenization, books: Iterable[tuple[str, Windows] | Refused]
) -> None:
    """Write each book's windows, one after the other, and `manifest.json` last, into `folder`.

    Args:
        books: the name of a book and its windows, or why it has none; only one book's windows are in memory at a time.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    refused = []
    for book in books:
        if isinstance(book, Refused):
            refused.append(book)
        else:
            name, windows = book
            _file(folder, name).write_bytes(windows.to_bytes())
    write_json(folder / _MANIFEST, _Manifest(tokenization=tokenization, refused=refused))


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


def read_token_ids(folder: str | Path, book: str) -> np.ndarray:
    """int32 [W, T], of one book's windows: all that scoring needs of them, and a fifth of what they hold."""
    path = _file(folder, book)
    columns, _ = parquet.from_bytes(path.read_bytes(), name=str(path), columns=["token_ids"])
    return columns["token_ids"]


def _file(folder: str | Path, book: str) -> Path:
    return Path(folder) / f"{book}.parquet"
