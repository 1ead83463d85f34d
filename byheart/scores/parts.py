"""Parts and pieces: the files that hold what was computed of a book's windows.

scores/ADDRESS/KIND/part-00003.parquet                   a finished part: all of its windows
scores/ADDRESS/KIND/part-00003.pieces/NAME.parquet       a piece of it: some of its windows, sorted
scores/ADDRESS/KIND/part-00003.pieces/RUN/NAME.parquet   a piece that a forced run has computed anew
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

FOLDER = "scores"
"""The folder of the store below which each address has its own."""
_WINDOW = "window"
"""The column of a piece that says which windows it holds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of the windows at an address, which is kept in one file when all of it is there."""

    address: str
    kind: Kind
    number: int
    windows: range
    """By their index among those of the address."""

    @property
    def name(self) -> str:
        """Where it lies in the store once it is finished."""
        return f"{FOLDER}/{self.address}/{self.kind.name}/part-{self.number:05}.parquet"

    def pieces(self, run: str = "") -> str:
        """The folder of its pieces, or of those that a forced run has computed; ends in a slash."""
        return f"{self.name.removesuffix('.parquet')}.pieces/" + (f"{run}/" if run else "")


def parts_of(address: str, windows: int, kind: Kind) -> list[Part]:
    """The parts of an address that has so many windows."""
    size = kind.part_windows
    return [
        Part(address=address, kind=kind, number=number, windows=range(size * number, min(size * (number + 1), windows)))
        for number in range(kind.part_count(windows))
    ]


def parts_of_shard(windows: Mapping[str, int], kind: Kind, shard: int, shards: int) -> list[Part]:
    """The parts of one of the tasks that share the work: they take them in turn, over all addresses.

    Args:
        windows: how many each address has.
        shard: from 1.
    """
    parts = [part for address, count in windows.items() for part in parts_of(address, count, kind)]
    return parts[shard - 1 :: shards]


def asked_of(part: Part, asked: Mapping[str, np.ndarray]) -> np.ndarray:
    """int32, ascending: the windows of a part that are asked for.

    Args:
        asked: the windows asked for, by address, ascending; all of an address that is not here.
    """
    if part.address not in asked:
        return np.arange(part.windows.start, part.windows.stop, dtype=np.int32)
    numbers = asked[part.address]
    first, last = np.searchsorted(numbers, (part.windows.start, part.windows.stop))
    return numbers[first:last].astype(np.int32)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Missing:
    """Windows of a part that are still to compute."""

    part: Part
    windows: np.ndarray
    """int32, sorted."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Some windows of a part, sorted, with what was computed of them."""

    windows: np.ndarray
    """int32 [W]: by their index among those of the address."""
    columns: dict[str, np.ndarray]
    """The columns of the part's kind, [W, ...] each."""
    computed_on: list[dict[str, Any]]
    """Devices, layouts, code: what windows were computed on, each once."""
    origins: np.ndarray
    """int32 [W]: which of `computed_on` each window was computed on."""

    @classmethod
    def of(cls, windows: np.ndarray, columns: Mapping[str, np.ndarray], computed_on: dict[str, Any]) -> "Rows":
        """Windows in any order that were all computed on the same."""
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
        """Those of the windows that are among `windows`."""
        which = np.isin(self.windows, windows)
        columns = {name: values[which] for name, values in self.columns.items()}
        return dataclasses.replace(
            self, windows=self.windows[which], columns=columns, origins=self.origins[which]
        )._tidied()

    @classmethod
    def join(cls, pieces: Sequence["Rows"]) -> "Rows":
        """The windows of all pieces, sorted; one that several hold is taken from the first of them."""
        windows = np.concatenate([piece.windows for piece in pieces])
        kept, rows = np.unique(windows, return_index=True)  # the first of equals
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
        """The same, with each origin once, in the order in which the windows come to them."""
        places: list[dict[str, Any]] = []
        renumbered = np.zeros(len(self.computed_on), np.int32)
        used, firsts = np.unique(self.origins, return_index=True)
        for origin in used[np.argsort(firsts)]:
            computed_on = self.computed_on[origin]
            if computed_on not in places:
                places.append(computed_on)
            renumbered[origin] = places.index(computed_on)
        return dataclasses.replace(self, computed_on=places, origins=renumbered[self.origins].astype(np.int32))


def part_to_bytes(part: Part, rows: Rows) -> bytes:
    """A finished part as one Parquet file, whose bytes are the same in whatever pieces its windows were computed."""
    return parquet.to_bytes(_checked(part, rows), _note(part, rows))


def piece_to_bytes(part: Part, rows: Rows) -> bytes:
    """A piece of a part as one Parquet file."""
    return parquet.to_bytes({_WINDOW: rows.windows, **_checked(part, rows)}, _note(part, rows))


def piece_name(part: Part, rows: Rows, data: bytes, run: str) -> str:
    """Where a piece lies in the store: the same name for the same bytes."""
    digest = hashlib.sha256(data).hexdigest()[:16]
    return f"{part.pieces(run)}{rows.windows[0]:07}-{rows.windows[-1]:07}-{digest}.parquet"


def rows_from_bytes(data: bytes, part: Part, *, name: str) -> Rows:
    """The windows of a finished part or of a piece; `name` is for the error.

    Raises:
        DamagedError: it is not whole, or not of this part.
        StoreError: it was written under another contract.
    """
    columns, note = parquet.from_bytes(data, name=name)
    if note.get("contract") != CONTRACT_VERSION:
        raise StoreError(
            f"{name} must be of contract {CONTRACT_VERSION}, found contract {note.get('contract', 1)}, of another "
            "release of byheart: choose another store, or remove the address with `byheart store remove`"
        )
    windows = columns.pop(_WINDOW, np.arange(part.windows.start, part.windows.stop, dtype=np.int32))
    held = (note["address"], note["kind"], note["part"], list(columns), {len(values) for values in columns.values()})
    if held != (part.address, part.kind.name, part.number, list(part.kind.columns), {len(windows)}):
        raise DamagedError(
            f"{name} must hold windows of part {part.number} of {part.kind.name} at {part.address}, found another: "
            "remove it and run again"
        )
    return Rows(
        windows=windows,
        columns=columns,
        computed_on=note["computed_on"],
        origins=np.repeat(*np.array(note["origins"], np.int32).reshape(-1, 2).T).astype(np.int32),
    )


def _checked(part: Part, rows: Rows) -> dict[str, np.ndarray]:
    """The columns in the order and the types of the kind."""
    return {name: np.ascontiguousarray(rows.columns[name], column.dtype) for name, column in part.kind.columns.items()}


def _note(part: Part, rows: Rows) -> dict[str, Any]:
    """What a file says of itself; what its windows were computed on as runs, [origin, windows] each."""
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
