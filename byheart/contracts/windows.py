"""The windows of a book, which `tokenize` writes and `extract` and `plot` read."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.books import Book, Refused, read_books
from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.model import TokenizerIdentity
from byheart.contracts.only import Span
from byheart.contracts.setting_groups import round_up_tokens

_MANIFEST = "manifest.json"
_COLUMNS = (
    *("cursor", "start", "suffix_start", "stop", "prompt_tokens", "suffix_tokens", "flagged", "spill"),
    *("token_ids", "token_stops"),
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """The windows of one book, in the order of their cursors; W windows of T tokens.

    Positions count the book's characters; spans are half-open.

        cursor = start     suffix_start            stop
          |                     |                   |
          v  prompt tokens      v  scored tokens    v
        ..[T][he ][fer][ryman ] [did][ not][ ans][wer].. the slice goes on

    With `suffix_characters`, windows have as many tokens as their characters take. Then T is the most of any window,
    and behind the tokens of a shorter one are ids -1, at its stop.
    """

    cursor: np.ndarray
    """int64 [W]: where the slice begins."""
    start: np.ndarray
    """int64 [W]: where the first token begins."""
    suffix_start: np.ndarray
    """int64 [W]: where the last prompt token stops."""
    stop: np.ndarray
    """int64 [W]: where the last scored token stops."""
    prompt_tokens: np.ndarray
    """int32 [W]: how many tokens the prompt has."""
    suffix_tokens: np.ndarray
    """int32 [W]: how many tokens are scored."""
    flagged: np.ndarray
    """bool [W]: whether, with `suffix_characters`, prompt or suffix does not stop at a common boundary: there is none
    in reach, or this tokenizer does not cut there."""
    spill: np.ndarray
    """int32 [W]: of such a window, how many characters prompt and suffix go beyond where they were to stop."""
    token_ids: np.ndarray
    """int32 [W, T]: without the BOS; -1 behind a shorter window."""
    token_stops: np.ndarray
    """int64 [W, T]: where each token stops; never decreases along a window."""
    dropped_tail: int
    """Cursors without a window because the book ends before the slice has enough tokens."""
    dropped_inside: int
    """Cursors without a window although the slice has its full length."""

    def __len__(self) -> int:
        return len(self.cursor)

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def find_suffix_columns(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Which columns of the tokens are scored: int64 [W, S], and bool [W, S], false behind a shorter suffix.

        Behind a shorter suffix, a column repeats its last one.

        Args:
            most: S.
        """
        place = np.arange(most)
        columns = self.prompt_tokens[:, None] + np.minimum(place, self.suffix_tokens[:, None] - 1)
        return columns.astype(np.int64), place < self.suffix_tokens[:, None]

    def count_unknown(self, unknown_id: int | None) -> np.ndarray:
        """int32 [W]: how many of each window's tokens are the unknown one; 0 if there is none."""
        if unknown_id is None:
            return np.zeros(len(self), np.int32)
        return (self.token_ids == unknown_id).sum(axis=1, dtype=np.int32)

    def select(self, numbers: np.ndarray) -> "Windows":
        """The windows with these numbers; `dropped_tail` and `dropped_inside` stay those of the whole book."""
        return dataclasses.replace(self, **{name: values[numbers] for name, values in self.columns().items()})

    def to_bytes(self) -> bytes:
        """The windows as one Parquet file."""
        dropped = {"dropped_tail": self.dropped_tail, "dropped_inside": self.dropped_inside}
        return parquet.to_bytes(self.columns(), dropped)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> "Windows":
        """The windows in the bytes that `to_bytes` returned; `name` is for an error's message."""
        columns, dropped = parquet.from_bytes(data, name=name)
        try:
            return cls(
                **columns, dropped_tail=int(dropped["dropped_tail"]), dropped_inside=int(dropped["dropped_inside"])
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DamagedError(
                f"{name} must hold windows, found other columns or numbers ({type(error).__name__}): run again"
            ) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Which windows of a book are measured. A window's number is its index among all windows of the book, from 0."""

    characters: tuple[Span, ...]
    """The characters that the setting `only` asks for."""
    stretches: tuple[Span, ...]
    """The windows, by number, whose suffix lies entirely in one of those spans of characters."""
    count: int
    """How many of these windows are measured, evenly spread: all, or as many as the setting `windows` says."""
    of: int
    """How many windows the book has."""

    @property
    def bounds(self) -> tuple[int, int]:
        """The first of the characters asked for, and the one after the last."""
        return self.characters[0].start, self.characters[-1].stop

    @property
    def inside(self) -> int:
        """The number of windows in the stretches."""
        return sum(span.stop - span.start for span in self.stretches)

    @property
    def is_spread(self) -> bool:
        """Whether only some of the windows in the stretches are measured."""
        return self.count < self.inside

    def numbers(self) -> np.ndarray:
        """int64 [count], ascending: the numbers of the measured windows."""
        inside = [np.arange(span.start, span.stop) for span in self.stretches]
        return np.concatenate([np.empty(0, np.int64), *inside])[_spread_evenly(self.count, self.inside)]


def select_windows(windows: Windows, characters: Sequence[Span], most: int = 0) -> Selection:
    """The windows whose suffix lies entirely in one of the spans of `characters`; at most `most`, evenly spread.

    Args:
        most: 0 sets no limit.
    """
    inside = np.zeros(len(windows), bool)
    for span in characters:
        inside |= (windows.suffix_start >= span.start) & (windows.stop <= span.stop)
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    total = int(inside.sum())
    return Selection(
        characters=tuple(characters),
        stretches=tuple(Span(start=start, stop=stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)),
        count=min(most, total) if most else total,
        of=len(windows),
    )


def _spread_evenly(count: int, among: int) -> np.ndarray:
    """int64 [min(count, among)]: indices below `among`, the middle of each of so many equal pieces."""
    count = min(count, among)
    return (2 * np.arange(count) + 1) * among // (2 * max(count, 1))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ControlSample:
    """N suffixes, each with the prompt of another window; both are numbers of the book's windows, int64 [N]."""

    suffix_window: np.ndarray
    prompt_window: np.ndarray

    def __len__(self) -> int:
        return len(self.suffix_window)


def choose_control_sample(windows: Windows, count: int, measured: np.ndarray | None = None) -> ControlSample:
    """At most `count` suffixes, evenly spread over the measured windows, each with the prompt from half a book away.

    The score of a suffix without its own context says how probable the text is by itself. Pairs of overlapping windows,
    which occur in a book of few windows, are left out.

    Args:
        windows: all windows of the book; prompts may come from any of them.
        measured: the numbers of the measured windows; None takes all.
    """
    among = np.arange(len(windows)) if measured is None else measured
    suffixes = among[_spread_evenly(count, len(among))]
    prompts = (suffixes + len(windows) // 2) % max(len(windows), 1)
    apart = (windows.stop[prompts] <= windows.start[suffixes]) | (windows.stop[suffixes] <= windows.start[prompts])
    return ControlSample(suffix_window=suffixes[apart], prompt_window=prompts[apart])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenization:
    """How the books of a run were tokenized."""

    tokenizer_sha256: str
    """The SHA-256 of tokenizer.json."""
    tokenizers: str
    """The release of the library `tokenizers` that was used."""
    bos_id: int | None
    """The id of the BOS before each window; None without a BOS."""
    scored_tokens: int
    """S, suffix tokens scored in each window; with `suffix_characters` at least the most of any."""
    unknown_id: int | None = None
    """The id of the token that stands for text that the tokenizer does not know; None if it knows all."""
    tokenizer: TokenizerIdentity | None = None
    """Where the tokenizer is from, if it is not the model's own."""
    prompt_tokens: int = 0
    """With `suffix_characters`, at least the most prompt tokens of any window; 0 without."""

    @property
    def is_padded(self) -> bool:
        """Whether windows differ in their numbers of tokens, so that the model's input is padded."""
        return self.prompt_tokens > 0

    def count_positions(self, prompt_tokens: int) -> int:
        """The number of tokens that the model is fed: the BOS, the prompt, and all scored tokens but the last.

        Args:
            prompt_tokens: the setting.
        """
        return (self.bos_id is not None) + (self.prompt_tokens or prompt_tokens) + self.scored_tokens - 1


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
