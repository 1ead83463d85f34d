"""The scores in a store: everything that knows how they are kept there.

scores = ScoreStore(open_store(address))
scores.missing(parts, asked, reuse)        what is still to compute
scores.write(part, rows, reuse)            a piece, or a finished part if it is all of one
scores.put_together(part, reuse)           pieces become the finished part once all windows are there
scores.read(address, windows, SCORES)      what was computed
scores.describe(address, about)            about.json, for people
scores.held(), find, choose, about         what is there: `byheart.scores.catalogue`
"""

import dataclasses
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from byheart.contracts.errors import DamagedError, StoreError
from byheart.contracts.plan import Plan
from byheart.scores.catalogue import Catalogue
from byheart.scores.kinds import Kind
from byheart.scores.parts import (
    FOLDER,
    Missing,
    Part,
    Rows,
    asked_of,
    part_to_bytes,
    parts_of,
    piece_name,
    piece_to_bytes,
    rows_from_bytes,
)
from byheart.store import Store
from byheart.store.stored import Stored

_READERS = 8
"""Objects that are read at once."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reuse:
    """Which of the objects in a store a run takes for computed."""

    replaced: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The versions of finished parts that do not count, by name: damaged, or wanted anew."""
    run: str = ""
    """The run whose pieces alone count; empty counts those that are not of a forced run."""

    @classmethod
    def of(cls, plan: Plan) -> "Reuse":
        """What a planned run takes for computed."""
        return cls(replaced=plan.replaced, run=plan.run if plan.forced else "")

    def counts(self, finished: Stored | None) -> bool:
        """Whether a finished part is there and counts."""
        return finished is not None and self.replaced.get(finished.name) != finished.version


class ScoreStore(Catalogue):
    """The scores in a store. Methods may be called from several threads at once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._windows: dict[str, np.ndarray] = {}
        """Which windows a piece holds, of those seen whole: its name stands for its bytes."""

    def unusable(self, parts: Iterable[Part], *, force: bool) -> dict[str, str]:
        """The versions of the finished parts that are to be replaced, by name: the damaged ones, or all by `force`."""
        parts, held = list(parts), self._listed(parts)

        def version(part: Part) -> str | None:
            stored = held.get(part.name)
            if stored is None:
                return None
            return stored.version if force or self._try_to_read(part, part.name) is None else None

        versions = zip(parts, _side_by_side(version, parts), strict=True)
        return {part.name: version for part, version in versions if version}

    def missing(self, parts: Iterable[Part], asked: Mapping[str, np.ndarray], reuse: Reuse) -> list[Missing]:
        """What is still to compute of these parts.

        Args:
            asked: the windows asked for, by address, ascending; all of an address that is not here.
        """
        parts, held = list(parts), self._listed(parts)
        folders = _folders(held)

        def missing(part: Part) -> Missing:
            windows = asked_of(part, asked)
            if reuse.counts(held.get(part.name)):
                windows = windows[:0]
            elif len(windows) and part.pieces(reuse.run) in folders:
                windows = self.missing_now(Missing(part=part, windows=windows), reuse)
            return Missing(part=part, windows=windows)

        return [found for found in _side_by_side(missing, parts) if len(found.windows)]

    def missing_now(self, missing: Missing, reuse: Reuse) -> np.ndarray:
        """Those of the windows that are still not in the store."""
        # Pieces first: those that are put together and deleted meanwhile are then found finished.
        for _ in self._pieces(missing.part, reuse, but=self._windows):
            pass
        held = [self._windows[name] for name in self._piece_names(missing.part, reuse) if name in self._windows]
        windows = np.setdiff1d(missing.windows, np.concatenate([np.empty(0, np.int32), *held]))
        if len(windows) and reuse.counts(self.store.find(missing.part.name)):
            return windows[:0]
        return windows

    def write(self, part: Part, rows: Rows, reuse: Reuse) -> None:
        """Write windows of a part: a piece, or the finished part if these are all of its windows."""
        if len(rows) == len(part.windows):
            self._finish(part, rows, reuse)
            return
        data = piece_to_bytes(part, rows)
        name = piece_name(part, rows, data, reuse.run)
        if not self.store.create(name, data) and not self._try_to_read(part, name):
            self.store.replace(name, data)  # it was damaged, or another run has just put it together and deleted it
        self._windows[name] = rows.windows

    def put_together(self, part: Part, reuse: Reuse) -> bool:
        """Make the finished part of its pieces, and delete them; False, and no change, where windows are missing."""
        if reuse.counts(self.store.find(part.name)):
            for name in self._piece_names(part, reuse):  # written too late, or left by a kill
                self.store.delete(name)
            return True
        pieces = list(self._pieces(part, reuse))
        if sum(map(len, pieces)) < len(part.windows):
            return False
        rows = Rows.join(pieces)
        if len(rows) < len(part.windows):
            return False
        self._finish(part, rows, reuse)
        return True

    def tidy(self, parts: Iterable[Part], reuse: Reuse) -> None:
        """Do what a kill has left undone: put parts together, and delete the pieces of finished ones."""
        parts = list(parts)
        folders = _folders(self._listed(parts))
        for part in parts:
            if part.pieces(reuse.run) in folders:
                self.put_together(part, reuse)

    def read(
        self, address: str, windows: int, kind: Kind, *, which: np.ndarray | None = None, reuse: Reuse | None = None
    ) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        """Columns of the windows, sorted by index, and the different things that they were computed on.

        Args:
            windows: how many the address has.
            which: the indices of those to read; None reads all.

        Raises:
            DamagedError: a finished part is not whole.
            StoreError: windows are not there.
        """
        wanted = np.arange(windows, dtype=np.int32) if which is None else np.unique(which)
        found: list[Rows] = []
        for part in parts_of(address, windows, kind):
            some = wanted[(wanted >= part.windows.start) & (wanted < part.windows.stop)]
            if len(some):
                found.append(self._read_part(part, some, reuse or Reuse()))
        empty = {name: np.empty(0, column.dtype) for name, column in kind.columns.items()}
        columns = {
            name: np.concatenate([rows.columns[name] for rows in found]) if found else empty[name] for name in empty
        }
        computed_on: list[dict[str, Any]] = []
        for origin in (origin for rows in found for origin in rows.computed_on):
            if origin not in computed_on:
                computed_on.append(origin)
        return columns, computed_on

    def check_room(self, missing: Iterable[Missing], scored_tokens: int) -> None:
        """Refuse a store that is too small for what is to come, before anything is loaded.

        Raises:
            StoreError: it is.
        """
        missing = list(missing)
        sizes = [one.part.kind.part_bytes(len(one.windows), scored_tokens) for one in missing]
        whole = [one.part.kind.part_bytes(len(one.part.windows), scored_tokens) for one in missing]
        needed = sum(sizes) + 2 * max(whole, default=0)  # while a part is put together its pieces are there too
        free = self.store.free_bytes()
        if free is not None and free < needed:
            raise StoreError(
                f"store must have {needed:,} bytes free for the scores to come, found {free:,} at "
                f"{self.store.locate(FOLDER)}: make room or choose another store",
                parameter="store",
            )

    def _listed(self, parts: Iterable[Part]) -> dict[str, Stored]:
        """What the store holds at the addresses of the parts, by name."""
        folders = dict.fromkeys(f"{FOLDER}/{part.address}/" for part in parts)
        return {stored.name: stored for folder in folders for stored in self.store.list(folder)}

    def _pieces(self, part: Part, reuse: Reuse, but: Container[str] = ()) -> Iterator[Rows]:
        """The pieces of a part that count, in the order of their names, without those that are damaged.

        Pieces that are deleted meanwhile were put together: what is left of them is found in the finished part.
        """
        names = [name for name in self._piece_names(part, reuse) if name not in but]
        return (rows for rows in _side_by_side(lambda name: self._try_to_read(part, name), names) if rows)

    def _piece_names(self, part: Part, reuse: Reuse) -> list[str]:
        folder = part.pieces(reuse.run)
        return [stored.name for stored in self.store.list(folder) if "/" not in stored.name.removeprefix(folder)]

    def _try_to_read(self, part: Part, name: str) -> Rows | None:
        """The windows in an object; None where it is damaged, or has gone since it was listed."""
        try:
            data = self.store.read(name)
        except StoreError:
            if self.store.exists(name):
                raise
            return None
        try:
            rows = rows_from_bytes(data, part, name=self.store.locate(name))
        except DamagedError:
            return None
        if name != part.name:
            self._windows[name] = rows.windows
        return rows

    def _read_part(self, part: Part, windows: np.ndarray, reuse: Reuse) -> Rows:
        """The rows of these windows of a part, finished or in pieces."""
        finished = self.store.find(part.name)
        if not reuse.counts(finished):
            pieces = list(self._pieces(part, reuse))
            rows = Rows.join(pieces).select(windows) if pieces else None
            if rows and len(rows) == len(windows):
                return rows
            finished = self.store.find(part.name)  # it may have been put together meanwhile
            if not reuse.counts(finished):
                raise StoreError(
                    f"{self.store.locate(part.name)} must be there, or pieces with its {len(windows):,} windows, found "
                    f"{len(rows or ()):,} of them: run again to compute them"
                )
        data, name = self.store.read(part.name), self.store.locate(part.name)
        rows = rows_from_bytes(data, part, name=name)
        return rows if len(rows) == len(windows) else rows.select(windows)

    def _finish(self, part: Part, rows: Rows, reuse: Reuse) -> None:
        """Write a finished part, and delete its pieces: of all runs, since the finished part stands for them all."""
        data, planned = part_to_bytes(part, rows), reuse.replaced.get(part.name)
        if not self.store.create(part.name, data) and planned:
            found = self.store.find(part.name)
            if found and found.version == planned:  # else it has been computed anew already
                self.store.replace(part.name, data)
        for stored in list(self.store.list(part.pieces())):
            self.store.delete(stored.name)


def _folders(names: Iterable[str]) -> set[str]:
    """The folders that objects of these names lie in; each ends in a slash."""
    return {f"{name.rpartition('/')[0]}/" for name in names}


def _side_by_side(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(function, items)
