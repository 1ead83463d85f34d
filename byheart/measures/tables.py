"""The tables of finished results as typed columns, checked when they are read: anybody may have written them."""

import dataclasses
import itertools

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError
from byheart.contracts.selection import ControlSample
from byheart.contracts.windows import Windows
from byheart.measures.repetition import Repetition
from byheart.scores.kinds import SCORES
from byheart.scores.scores import Scores

_TYPES = {
    **dict.fromkeys(("number", "cursor", "start", "suffix_start", "stop", "token_stops"), "int64"),
    **dict.fromkeys(("suffix_window", "prompt_window"), "int64"),
    **dict.fromkeys(("chapter", "token_ids", "id", "prompt_tokens", "suffix_tokens", "spill"), "int32"),
    **dict.fromkeys(("prompt_overlap", "book_overlap", "compressed_bytes_per_character"), "float32"),
    **{name: column.dtype for name, column in SCORES.columns.items()},
    **dict.fromkeys(("repetitive", "flagged", "rescored"), "bool"),
    "text": "object",
}
"""NumPy's name of each column's type."""
_PER_TOKEN = {"token_ids", "token_stops", *(name for name, column in SCORES.columns.items() if column.per_token)}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WindowTable:
    """A book's windows with their scores and how repetitive their suffixes are: the columns of windows.parquet."""

    number: np.ndarray
    """int64 [W]: the number of each window among all windows of the book, from 0."""
    chapter: np.ndarray
    """int32 [W]: the number of the chapter in which each suffix begins, from 1; 0 before the first chapter."""
    windows: Windows
    scores: Scores
    rescored: np.ndarray
    """bool [W]: which windows were scored again in float32."""
    repetition: Repetition

    @classmethod
    def from_bytes(
        cls, data: bytes, *, name: str, characters: int, dropped_tail: int, dropped_inside: int
    ) -> "WindowTable":
        """The windows of a file; the other arguments are as in `SpanTable.from_bytes` and `Windows`."""
        kinds = (Windows, Scores, Repetition)
        wanted = ["number", "chapter", "rescored", *(field for kind in kinds for field in _list_columns(kind))]
        columns = _read_columns(data, name, wanted)
        _check_spans(columns, name, characters)
        _check_tokens(columns, name)

        def pick(kind: type) -> dict[str, np.ndarray]:
            return {field: columns[field] for field in _list_columns(kind)}

        return cls(
            number=columns["number"],
            chapter=columns["chapter"],
            windows=Windows(**pick(Windows), dropped_tail=dropped_tail, dropped_inside=dropped_inside),
            scores=Scores(**pick(Scores)),
            rescored=columns["rescored"],
            repetition=Repetition(**pick(Repetition)),
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SpanTable:
    """Where a book's windows lie and how probable their suffixes are: all that maps are made of."""

    number: np.ndarray
    """int64 [W]: the number of each window among all windows of the book, from 0."""
    start: np.ndarray
    """int64 [W]: where each prompt begins, in characters of the book."""
    suffix_start: np.ndarray
    """int64 [W]: where each suffix begins."""
    stop: np.ndarray
    """int64 [W]: where each suffix stops."""
    log_p_z: np.ndarray
    """float64 [W]"""
    flagged: np.ndarray
    """bool [W]: whether, with `suffix_characters`, each window does not stop at common boundaries of all tokenizers."""
    repetitive: np.ndarray
    """bool [W]: whether each suffix repeats itself, its prompt or the book."""

    def __len__(self) -> int:
        return len(self.number)

    def select(self, rows: np.ndarray) -> "SpanTable":
        """Some of the windows."""
        return SpanTable(**{field: values[rows] for field, values in vars(self).items()})

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str, characters: int) -> "SpanTable":
        """The windows of a file.

        Args:
            name: the file's name in error messages.
            characters: the length of the book.

        Raises:
            DamagedError: the file is damaged, or its columns are not those of windows of such a book.
        """
        columns = _read_columns(data, name, _list_columns(cls))
        _check_spans(columns, name, characters)
        return cls(**columns)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SampleTable:
    """A book's control sample: the columns of control_sample.parquet."""

    sample: ControlSample
    log_p_z: np.ndarray
    """float64 [N]: the log_p_z of each suffix under the other prompt."""
    log_p_z_top_k: np.ndarray
    """float64 [N]: the same under the decoding scheme."""
    rescored: np.ndarray
    """bool [N]: which of them were scored again in float32."""

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> "SampleTable":
        """The control sample of a file; its name is for error messages."""
        windows, scores = _list_columns(ControlSample), ["log_p_z", "log_p_z_top_k", "rescored"]
        columns = _read_columns(data, name, [*windows, *scores])
        _check_scores(columns, name)
        return cls(
            sample=ControlSample(**{field: columns[field] for field in windows}),
            **{field: columns[field] for field in scores},
        )


def read_pieces(data: bytes, *, name: str) -> dict[int, str]:
    """The text of each token, by its id, of a file; its name is for error messages."""
    columns = _read_columns(data, name, ["id", "text"])
    return dict(zip(columns["id"].tolist(), columns["text"].tolist(), strict=True))


def _list_columns(kind: type) -> list[str]:
    """The fields of a dataclass that are columns."""
    return [field.name for field in dataclasses.fields(kind) if field.name in _TYPES]


def _read_columns(data: bytes, name: str, wanted: list[str]) -> dict[str, np.ndarray]:
    columns, _ = parquet.from_bytes(data, name=name, columns=wanted)
    for column in wanted:
        values = columns.get(column)
        if values is None:
            raise _explain(name, f"no column {column}")
        if values.dtype != _TYPES[column] or values.ndim != 1 + (column in _PER_TOKEN):
            raise _explain(name, f"{column} of another type")
    return columns


def _check_spans(columns: dict[str, np.ndarray], name: str, characters: int) -> None:
    order = [columns[edge] for edge in ("start", "suffix_start", "stop")]
    if any((later < earlier).any() for earlier, later in itertools.pairwise(order)):
        raise _explain(name, "a window that ends before it begins")
    if len(order[0]) and (order[0].min() < 0 or order[-1].max() > characters):
        raise _explain(name, f"a window outside the book's {characters:,} characters")
    if (columns["number"] < 0).any() or (np.diff(columns["number"]) <= 0).any():
        raise _explain(name, "windows that are not numbered in order")
    _check_scores(columns, name)


def _check_tokens(columns: dict[str, np.ndarray], name: str) -> None:
    prompt, suffix, scored = columns["prompt_tokens"], columns["suffix_tokens"], columns["token_log_probs"].shape[1]
    if len(prompt) and (min(prompt.min(), suffix.min()) < 1 or suffix.max() > scored):
        raise _explain(name, f"numbers of tokens that are not from 1 to {scored:,}")
    if (prompt.astype(np.int64) + suffix > columns["token_ids"].shape[1]).any():
        raise _explain(name, "windows with more tokens than they hold")


def _check_scores(columns: dict[str, np.ndarray], name: str) -> None:
    if not (columns["log_p_z"] <= 0).all():
        raise _explain(name, "a log_p_z that is above 0, or no number")


def _explain(name: str, found: str) -> DamagedError:
    return DamagedError(f"{name} must hold what a run writes, found {found}: run again")
