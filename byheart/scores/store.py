"""The scores in a store: the only module that knows how they are stored.

scores = ScoreStore(open_store(address))
scores.find_missing(parts, asked, reuse)   windows that are still to be scored
scores.write(part, rows, reuse)            a piece, or a finished part if all its windows are there
scores.put_together(part, reuse)           join pieces into the finished part once all windows are there
scores.read(address, windows, SCORES)      the scores
scores.describe(address, about)            about.json, for people
scores.list_addresses(), find, choose      the addresses: `byheart.scores.catalogue`
"""

import dataclasses
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
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
    decode_rows,
    encode_part,
    encode_piece,
    list_parts,
    make_piece_name,
    select_asked,
)
from byheart.store import Store
from byheart.store.stored import Stored

_READERS = 8
"""How many objects are read at once."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reuse:
    """Which objects in a store a run reuses."""

    replaced: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The versions of finished parts that are not reused, by name: they are damaged, or computed again by `force`."""
    run: str = ""
    """The forced run, which reuses only its own pieces; empty reuses the pieces of runs without `force`."""

    @classmethod
    def from_plan(cls, plan: Plan) -> "Reuse":
        """What a planned run reuses."""
        return cls(replaced=plan.replaced, run=plan.run if plan.forced else "")

    def counts(self, finished: Stored | None) -> bool:
        """Whether a finished part exists and is reused."""
        return finished is not None and self.replaced.get(finished.name) != finished.version


class ScoreStore(Catalogue):
    """The scores in a store. Methods may be called from several threads at once."""

    def __init__(self, store: Store, scored_tokens: Mapping[str, int] = MappingProxyType({})) -> None:
        super().__init__(store)
        self._scored_tokens = scored_tokens
        """Of each window, by address; parts with others are damaged. Any may be right at an address that is absent."""
        self._windows: dict[str, np.ndarray] = {}
        """The windows of each undamaged piece that was read, by name: the name determines the bytes."""

    def find_unusable(self, parts: Iterable[Part], *, force: bool) -> dict[str, str]:
        """The versions of the finished parts to replace, by name: damaged parts, or all parts with `force`."""
        parts, objects = list(parts), self._list_objects(parts)

        def find_version(part: Part) -> str | None:
            stored = objects.get(part.name)
            if stored is None:
                return None
            return stored.version if force or self._try_to_read(part, part.name) is None else None

        versions = zip(parts, _map_in_threads(find_version, parts), strict=True)
        return {part.name: version for part, version in versions if version}

    def find_missing(self, parts: Iterable[Part], asked: Mapping[str, np.ndarray], reuse: Reuse) -> list[Missing]:
        """The selected windows of these parts that are still to be scored.

        Args:
            asked: the selected windows by address, ascending; an address that is absent has all windows selected.
        """
        parts, objects = list(parts), self._list_objects(parts)
        folders = _list_folders(objects)

        def find_in(part: Part) -> Missing:
            windows = select_asked(part, asked)
            if reuse.counts(objects.get(part.name)):
                windows = windows[:0]
            elif len(windows) and part.pieces(reuse.run) in folders:
                windows = self.find_still_missing(Missing(part=part, windows=windows), reuse)
            return Missing(part=part, windows=windows)

        return [missing for missing in _map_in_threads(find_in, parts) if len(missing.windows)]

    def find_still_missing(self, missing: Missing, reuse: Reuse) -> np.ndarray:
        """The windows that are still not in the store."""
        # Pieces are read first: if another run joins and deletes them meanwhile, the finished part is found below.
        for _ in self._pieces(missing.part, reuse, but=self._windows):
            pass
        scored = [self._windows[name] for name in self._list_pieces(missing.part, reuse) if name in self._windows]
        windows = np.setdiff1d(missing.windows, np.concatenate([np.empty(0, np.int32), *scored]))
        if len(windows) and reuse.counts(self.store.find(missing.part.name)):
            return windows[:0]
        return windows

    def write(self, part: Part, rows: Rows, reuse: Reuse) -> None:
        """Write rows of a part: as a piece, or as the finished part if all its windows are there."""
        if len(rows) == len(part.windows):
            self._finish(part, rows, reuse)
            return
        data = encode_piece(part, rows)
        name = make_piece_name(part, rows, data, reuse.run)
        if not self.store.create(name, data) and not self._try_to_read(part, name):
            self.store.replace(name, data)  # damaged, or another run has just joined and deleted it
        self._windows[name] = rows.windows

    def put_together(self, part: Part, reuse: Reuse) -> bool:
        """Join the pieces of a part into the finished part; False, without a change, if windows are missing."""
        if reuse.counts(self.store.find(part.name)):
            for name in self._list_pieces(part, reuse):  # written after the part was finished, or left by a kill
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
        """Finish the work of a killed run: join complete parts, and delete the pieces of finished parts."""
        parts = list(parts)
        folders = _list_folders(self._list_objects(parts))
        for part in parts:
            if part.pieces(reuse.run) in folders:
                self.put_together(part, reuse)

    def read(
        self, address: str, windows: int, kind: Kind, *, which: np.ndarray | None = None, reuse: Reuse | None = None
    ) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
        """The columns of the windows, sorted by number, and the devices, layouts and code that computed them.

        Args:
            windows: how many windows the address has.
            which: the numbers of the windows to read; None reads all.

        Raises:
            DamagedError: a finished part is damaged.
            StoreError: windows are missing.
        """
        wanted = np.arange(windows, dtype=np.int32) if which is None else np.unique(which)
        pieces: list[Rows] = []
        for part in list_parts(address, windows, kind):
            windows_of_part = wanted[(wanted >= part.windows.start) & (wanted < part.windows.stop)]
            if len(windows_of_part):
                pieces.append(self._read_part(part, windows_of_part, reuse or Reuse()))
        empty = {name: np.empty(0, column.dtype) for name, column in kind.columns.items()}
        columns = {
            name: np.concatenate([rows.columns[name] for rows in pieces]) if pieces else empty[name] for name in empty
        }
        computed_on: list[dict[str, Any]] = []
        for origin in (origin for rows in pieces for origin in rows.computed_on):
            if origin not in computed_on:
                computed_on.append(origin)
        return columns, computed_on

    def check_room(self, missing: Iterable[Missing], scored_tokens: int, logits_bytes: int = 0) -> None:
        """Check, before weights are loaded, that the missing scores can be written, and that there is room for them.

        Args:
            scored_tokens: of each window, at most.
            logits_bytes: what else is written.

        Raises:
            StoreError: the store has too little room, something that is no file has a part's name, or a folder cannot
                be written.
        """
        missing = list(missing)
        self.store.check_writable([item.part.name for item in missing])
        sizes = [item.part.kind.estimate_part_bytes(len(item.windows), scored_tokens) for item in missing]
        whole = [item.part.kind.estimate_part_bytes(len(item.part.windows), scored_tokens) for item in missing]
        needed = logits_bytes + sum(sizes)
        needed += 2 * max(whole, default=0)  # while a part is joined, its pieces are in the store too
        free = self.store.free_bytes()
        if free is not None and free < needed:
            what = "the scores to come" + " and the logits" * (logits_bytes > 0)
            raise StoreError(
                f"store must have {needed:,} bytes free for {what}, found {free:,} at "
                f"{self.store.locate(FOLDER)}: make room or choose another store",
                parameter="store",
            )

    def _list_objects(self, parts: Iterable[Part]) -> dict[str, Stored]:
        """The objects at the addresses of the parts, by name."""
        folders = dict.fromkeys(f"{FOLDER}/{part.address}/" for part in parts)
        return {stored.name: stored for folder in folders for stored in self.store.list(folder)}

    def _pieces(self, part: Part, reuse: Reuse, but: Container[str] = ()) -> Iterator[Rows]:
        """The reused, undamaged pieces of a part, in the order of their names.

        A piece that is deleted meanwhile was joined into the finished part, which has its windows.
        """
        names = [name for name in self._list_pieces(part, reuse) if name not in but]
        return (rows for rows in _map_in_threads(lambda name: self._try_to_read(part, name), names) if rows)

    def _list_pieces(self, part: Part, reuse: Reuse) -> list[str]:
        folder = part.pieces(reuse.run)
        return [stored.name for stored in self.store.list(folder) if "/" not in stored.name.removeprefix(folder)]

    def _try_to_read(self, part: Part, name: str) -> Rows | None:
        """The rows in an object; None if it is damaged, or was deleted since it was listed."""
        try:
            data = self.store.read(name)
        except StoreError:
            if self.store.exists(name):
                raise
            return None
        try:
            rows = decode_rows(
                data, part, name=self.store.locate(name), scored_tokens=self._scored_tokens.get(part.address)
            )
        except DamagedError:
            return None
        if name != part.name:
            self._windows[name] = rows.windows
        return rows

    def _read_part(self, part: Part, windows: np.ndarray, reuse: Reuse) -> Rows:
        """The rows of these windows of a part, from the finished part or its pieces."""
        finished = self.store.find(part.name)
        if not reuse.counts(finished):
            pieces = list(self._pieces(part, reuse))
            rows = Rows.join(pieces).select(windows) if pieces else None
            if rows and len(rows) == len(windows):
                return rows
            finished = self.store.find(part.name)  # another run may have joined it meanwhile
            if not reuse.counts(finished):
                raise StoreError(
                    f"{self.store.locate(part.name)} must be there, or pieces with its {len(windows):,} windows, found "
                    f"{len(rows or ()):,} of them: run again to compute them"
                )
        data, name = self.store.read(part.name), self.store.locate(part.name)
        rows = decode_rows(data, part, name=name, scored_tokens=self._scored_tokens.get(part.address))
        return rows if len(rows) == len(windows) else rows.select(windows)

    def _finish(self, part: Part, rows: Rows, reuse: Reuse) -> None:
        """Write a finished part, and delete the pieces of all runs, which the finished part replaces."""
        data, planned = encode_part(part, rows), reuse.replaced.get(part.name)
        if not self.store.create(part.name, data):
            stored = self.store.find(part.name)
            if planned and stored and stored.version == planned:  # if not, another run has replaced it
                self.store.replace(part.name, data)
            elif not self._try_to_read(part, part.name):
                self.store.replace(part.name, data)  # another run's part may stay, and nothing else
        for stored in list(self.store.list(part.pieces())):
            self.store.delete(stored.name)


def _list_folders(names: Iterable[str]) -> set[str]:
    """The folders of objects with these names; a folder ends in a slash."""
    return {f"{name.rpartition('/')[0]}/" for name in names}


def _map_in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(function, items)
