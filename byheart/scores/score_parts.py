"""Which parts of the scores there are to be, who computes them, and which of them the store holds, whole."""

import dataclasses
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from byheart.contracts.errors import DamagedError, StoreError
from byheart.scores.scores import estimate_bytes, folder_name, part_from_bytes, part_name, part_ranges
from byheart.store import Store

_READERS = 8
"""Parts that are read at once to see whether they are whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part: some windows of a book."""

    address: str
    number: int
    rows: range
    """The windows, by their place among those of the address."""
    replaces: bool = False
    """Whether the store holds something of its name that is damaged, or not wanted."""

    @property
    def name(self) -> str:
        """Where it lies in the store."""
        return part_name(self.address, self.number)


def parts_of_shard(windows: Mapping[str, int], shard: int, shards: int) -> list[Part]:
    """The parts of one of the tasks that share the work: they take them in turn, over all addresses.

    Args:
        windows: how many each address has.
        shard: from 1.
    """
    parts = [
        Part(address=address, number=number, rows=rows)
        for address, count in windows.items()
        for number, rows in enumerate(part_ranges(count))
    ]
    return parts[shard - 1 :: shards]


def missing_parts(store: Store, parts: Iterable[Part], *, force: bool) -> list[Part]:
    """Those of the parts that are not in the store, or not whole; all of them, by `force`."""
    wanted = list(parts)
    folders = dict.fromkeys(folder_name(part.address) for part in wanted)
    held = {stored.name for folder in folders for stored in store.list(f"{folder}/")}

    def missing(part: Part) -> Part | None:
        if part.name not in held:
            return part
        replacing = dataclasses.replace(part, replaces=True)
        if force:
            return replacing
        data, where = store.read(part.name), store.locate(part.name)
        try:
            part_from_bytes(data, part.address, part.number, len(part.rows), name=where)
        except DamagedError:
            return replacing
        return None

    with ThreadPoolExecutor(_READERS) as pool:
        return [part for part in pool.map(missing, wanted) if part]


def check_room(store: Store, parts: Iterable[Part], scored_tokens: int) -> None:
    """Refuse a store that is too small for the parts, before anything is loaded.

    Raises:
        StoreError: it is.
    """
    needed, free = estimate_bytes((len(part.rows) for part in parts), scored_tokens), store.free_bytes()
    if free is not None and free < needed:
        raise StoreError(
            f"store must have {needed:,} bytes free for the scores to come, found {free:,} at "
            f"{store.locate('scores')}: make room or choose another store"
        )
