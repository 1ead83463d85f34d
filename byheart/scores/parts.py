"""Parts and pieces: the files that hold the scores of windows.

scores/ADDRESS/KIND/part-00003.parquet                   a finished part: all of its windows
scores/ADDRESS/KIND/part-00003.pieces/NAME.parquet       a piece of a part: some of its windows, sorted
scores/ADDRESS/KIND/part-00003.pieces/RUN/NAME.parquet   a piece that a forced run has computed again
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError, StoreError
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.kinds import Kind
from byheart.scores.plausible import find_problem

FOLDER = "scores"
"""The folder of the store that has a folder for each address."""
_WINDOW = "window"
"""The column of a piece with the numbers of its windows."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """Consecutive windows at an address, which are a single file once all are scored."""

    address: str
    kind: Kind
    number: int
    windows: range
    """The windows' numbers at the address."""

    @property
    def name(self) -> str:
        """The name of the finished part in the store."""
        return f"{FOLDER}/{self.address}/{self.kind.name}/part-{self.number:05}.parquet"

    def pieces(self, run: str = "") -> str:
        """The folder of its pieces, or of the pieces of a forced run; ends in a slash."""
        return f"{self.name.removesuffix('.parquet')}.pieces/" + (f"{run}/" if run else "")


def list_parts(address: str, windows: int, kind: Kind) -> list[Part]:
    """The parts of an address with so many windows."""
    size = kind.part_windows
    return [
        Part(address=address, kind=kind, number=number, windows=range(size * number, min(size * (number + 1), windows)))
        for number in range(kind.count_parts(windows))
    ]


def list_shard_parts(windows: Mapping[str, int], kind: Kind, shard: int, shards: int) -> list[Part]:
    """The parts of a shard: parts are dealt to the shards in turn, over all addresses.

    Args:
        windows: how many windows each address has.
        shard: from 1.
    """
    parts = [part for address, count in windows.items() for part in list_parts(address, count, kind)]
    return parts[shard - 1 :: shards]


def select_asked(part: Part, asked: Mapping[str, np.ndarray]) -> np.ndarray:
    """int32, ascending: the selected windows of a part.

    Args:
        asked: the selected windows by address, ascending; an address that is absent has all windows selected.
    """
    if part.address not in asked:
        return np.arange(part.windows.start, part.windows.stop, dtype=np.int32)
    numbers = asked[part.address]
    first, last = np.searchsorted(numbers, (part.windows.start, part.windows.stop))
    return numbers[first:last].astype(np.int32)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Missing:
    """Windows of a part that are still to be scored."""

    part: Part
    windows: np.ndarray
    """int32, sorted."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Some windows of a part, sorted, with their scores."""

    windows: np.ndarray
    """int32 [W]: their numbers at the address."""
    columns: dict[str, np.ndarray]
    """The columns of the part's kind, by name, [W, ...]."""
    computed_on: list[dict[str, Any]]
    """The devices, layouts and code that computed the windows, without duplicates."""
    origins: np.ndarray
    """int32 [W]: the index into `computed_on` of each window."""

    @classmethod
    def sort(cls, windows: np.ndarray, columns: Mapping[str, np.ndarray], computed_on: dict[str, Any]) -> "Rows":
        """Rows from windows in any order that share `computed_on`."""
        order = np.argsort(windows, kind="stable")
        return cls(
            windows=np.asarray(windows, np.int32)[order],
            columns={name: values[order] for name, values in columns.items()},
            computed_on=[computed_on],
            origins=np.zeros(len(order), np.int32),
        )

    def __len__(self) -> int:
        return len(self.windows)

    def select(self, windows: np.ndarray) -> "Rows":
        """The rows of `windows`."""
        kept = np.isin(self.windows, windows)
        columns = {name: values[kept] for name, values in self.columns.items()}
        return dataclasses.replace(
            self, windows=self.windows[kept], columns=columns, origins=self.origins[kept]
        )._tidied()

    @classmethod
    def join(cls, pieces: Sequence["Rows"]) -> "Rows":
        """The windows of all pieces, sorted; a window in several pieces is taken from the first."""
        windows = np.concatenate([piece.windows for piece in pieces])
        kept, rows = np.unique(windows, return_index=True)  # the index of the first
        bases = np.cumsum([0, *(len(piece.computed_on) for piece in pieces)])
        origins = np.concatenate([piece.origins + base for piece, base in zip(pieces, bases, strict=False)])
        return cls(
            windows=kept,
            columns={
                name: np.concatenate([piece.columns[name] for piece in pieces])[rows] for name in pieces[0].columns
            },
            computed_on=[origin for piece in pieces for origin in piece.computed_on],
            origins=origins[rows],
        )._tidied()

    def _tidied(self) -> "Rows":
        """The rows without duplicates in `computed_on`, which is ordered by the first window of each origin."""
        distinct: list[dict[str, Any]] = []
        renumbered = np.zeros(len(self.computed_on), np.int32)
        used, firsts = np.unique(self.origins, return_index=True)
        for origin in used[np.argsort(firsts)]:
            computed_on = self.computed_on[origin]
            if computed_on not in distinct:
                distinct.append(computed_on)
            renumbered[origin] = distinct.index(computed_on)
        return dataclasses.replace(self, computed_on=distinct, origins=renumbered[self.origins].astype(np.int32))


def encode_part(part: Part, rows: Rows) -> bytes:
    """A finished part as a Parquet file; its bytes do not depend on the pieces that it was joined from."""
    return parquet.to_bytes(_order_columns(part, rows), _describe(part, rows))


def encode_piece(part: Part, rows: Rows) -> bytes:
    """A piece of a part as a Parquet file."""
    return parquet.to_bytes({_WINDOW: rows.windows, **_order_columns(part, rows)}, _describe(part, rows))


def make_piece_name(part: Part, rows: Rows, data: bytes, run: str) -> str:
    """The name of a piece in the store: equal bytes have equal names."""
    digest = hashlib.sha256(data).hexdigest()[:16]
    return f"{part.pieces(run)}{rows.windows[0]:07}-{rows.windows[-1]:07}-{digest}.parquet"


def decode_rows(data: bytes, part: Part, *, name: str, scored_tokens: int | None = None) -> Rows:
    """The rows of a finished part or of a piece.

    Args:
        name: for the error.
        scored_tokens: of each window; None does not compare them.

    Raises:
        DamagedError: the file is damaged, belongs to another part, or holds what no run writes.
        StoreError: the file was written under another contract.
    """
    columns, note = parquet.from_bytes(data, name=name)
    if not isinstance(note, dict):
        raise DamagedError(f"{name} must hold a description of its windows, found none: remove it and run again")
    if note.get("contract") != CONTRACT_VERSION:
        raise StoreError(
            f"{name} must be of contract {CONTRACT_VERSION}, found contract {str(note.get('contract', 1))[:20]}, of "
            "another release of byheart: choose another store, or remove the address with `byheart store remove`"
        )
    problem = ""
    try:
        rows = _make_rows(columns, note, part)
    except ValueError as error:
        problem = str(error)[:100]
    except (KeyError, TypeError, IndexError, OverflowError) as error:
        problem = f"{type(error).__name__} in its description"
    else:
        problem = find_problem(rows, part.windows, part.kind, scored_tokens)
    if problem:
        raise DamagedError(
            f"{name} must hold windows of part {part.number} of {part.kind.name} at {part.address}, as a run writes "
            f"them, found {problem}: remove it and run again"
        )
    return rows


def _make_rows(columns: dict[str, np.ndarray], note: dict[str, Any], part: Part) -> Rows:
    """The rows of a file; errors of any kind if it is another part's, or no part at all."""
    windows = columns.pop(_WINDOW, np.arange(part.windows.start, part.windows.stop, dtype=np.int32))
    if (note["address"], note["kind"], note["part"]) != (part.address, part.kind.name, part.number):
        raise ValueError("another part")
    origins = np.array(note["origins"], np.int32).reshape(-1, 2).T
    if origins[1].min() < 0 or origins[1].sum(dtype=np.int64) != len(windows):  # before they are repeated
        raise ValueError("another number of windows")
    return Rows(
        windows=windows, columns=columns, computed_on=note["computed_on"], origins=np.repeat(*origins).astype(np.int32)
    )


def _order_columns(part: Part, rows: Rows) -> dict[str, np.ndarray]:
    """The columns in the order, and with the types, of the kind."""
    return {name: np.ascontiguousarray(rows.columns[name], column.dtype) for name, column in part.kind.columns.items()}


def _describe(part: Part, rows: Rows) -> dict[str, Any]:
    """The metadata of a file; `origins` is run-length encoded as pairs [origin, windows]."""
    changes = np.flatnonzero(np.diff(rows.origins, prepend=-1))
    lengths = np.diff(changes, append=len(rows))
    return {
        "contract": CONTRACT_VERSION,
        "address": part.address,
        "kind": part.kind.name,
        "part": part.number,
        "computed_on": rows.computed_on,
        "origins": [[int(rows.origins[first]), int(length)] for first, length in zip(changes, lengths, strict=True)],
    }
