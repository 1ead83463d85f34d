"""Which windows are scored next, and when scores are written to the store."""

import dataclasses
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from byheart.scores.parts import Missing, Part, Rows
from byheart.scores.store import Reuse, ScoreStore

PIECE_SECONDS = 15.0
"""At most so much work is only in memory: a kill loses it and the current batch."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Windows of a part that are scored together."""

    part: Part
    windows: np.ndarray
    """int32, sorted; at most `batch_size`."""


class Holder(Protocol):
    """What knows which windows a run still needs: a store of scores, or of more than scores."""

    def find_still_missing(self, missing: Missing, reuse: Reuse) -> np.ndarray:
        """The windows that are still not there."""
        ...


def choose_batches(
    holder: Holder,
    missing: Sequence[Missing],
    reuse: Reuse,
    *,
    batch_size: int,
    run: str,
    leave_out: Callable[[Part, int], None],
) -> Iterator[Batch]:
    """The batches of a run, without windows that other runs have meanwhile written to the store.

    Only this function decides what is scored: where several processes score together, process 0 runs it and tells the
    others. Books are scored in order. Within a book, each run begins at a batch that its name determines, and goes
    round:

        part 0          part 1          part 2
        |.......|.......|....>>>|>>>>>>>|>>>>>>>|>>>>>>>|      first: from a batch of part 1 to the end
        |>>>>>>>|>>>>>>>|>>>>...|                              then: from the beginning to that batch

    A run that meets windows of another run goes on at another book, and returns to the books in between.

    Args:
        missing: in the order of the books.
        leave_out: called with a part and how many of its windows another run has scored.
    """
    drawn, met = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8]), False

    def leave(part: Part, windows: int) -> None:
        nonlocal met
        met = True
        leave_out(part, windows)

    books = [list(of_book) for _, of_book in itertools.groupby(missing, key=lambda item: item.part.address)]
    turned = False
    while books:
        if met and not turned:
            turned, turn = True, drawn % len(books)
            books = books[turn:] + books[:turn]
        for visit in _start_at_drawn_batch(books.pop(0), drawn, batch_size):
            yield from _cut_batches(holder, visit, reuse, batch_size, leave)


def _start_at_drawn_batch(missing: Sequence[Missing], drawn: int, batch_size: int) -> list[Missing]:
    """The windows of a book from the drawn batch to the end, then from the beginning to that batch."""
    counts = [-(-len(item.windows) // batch_size) for item in missing]
    start = drawn % sum(counts)
    first = int(np.searchsorted(np.cumsum(counts), start, side="right"))
    cut, split = (start - sum(counts[:first])) * batch_size, missing[first]
    begin = Missing(part=split.part, windows=split.windows[cut:])
    end = Missing(part=split.part, windows=split.windows[:cut])
    return [begin, *missing[first + 1 :], *missing[:first], end]


def _cut_batches(
    holder: Holder, visit: Missing, reuse: Reuse, batch_size: int, leave_out: Callable[[Part, int], None]
) -> Iterator[Batch]:
    """The batches of a part, without windows that other runs have scored: the store is checked every few seconds."""
    left, looked = visit.windows, -PIECE_SECONDS
    while len(left):
        if time.monotonic() - looked >= PIECE_SECONDS:
            looked = time.monotonic()
            still_missing = holder.find_still_missing(Missing(part=visit.part, windows=left), reuse)
            if len(still_missing) < len(left):
                leave_out(visit.part, len(left) - len(still_missing))
                left = still_missing
                continue
        yield Batch(part=visit.part, windows=left[:batch_size])
        left = left[batch_size:]


class Unwritten:
    """Scores that are only in memory: at most a part, and at most `PIECE_SECONDS` of work.

    Args:
        computed_on: the devices, layout and code, which parts record.
        submit: runs writes in order, possibly later in another thread.
    """

    def __init__(
        self,
        scores: ScoreStore,
        reuse: Reuse,
        computed_on: dict[str, Any],
        submit: Callable[[Callable[[], object]], None],
    ) -> None:
        self._scores, self._reuse, self._computed_on, self._submit = scores, reuse, computed_on, submit
        self._part: Part | None = None
        self._batches: list[tuple[np.ndarray, Mapping[str, np.ndarray]]] = []
        self._written = time.monotonic()

    def add(self, batch: Batch, columns: Mapping[str, np.ndarray]) -> None:
        """Keep the scores of a batch, and write them if the part is complete or enough time has passed."""
        if batch.part != self._part:
            self.leave()
            self._part = batch.part
        self._batches.append((batch.windows, columns))
        count = sum(len(windows) for windows, _ in self._batches)
        if count == len(batch.part.windows) or time.monotonic() - self._written >= PIECE_SECONDS:
            self._write(batch.part)

    def leave(self) -> None:
        """Write the rest of the current part, and join its pieces if no window is missing."""
        if self._part is None:
            return
        if self._batches:
            self._write(self._part)
        self._submit(partial(self._scores.put_together, self._part, self._reuse))
        self._part = None

    def _write(self, part: Part) -> None:
        windows = np.concatenate([windows for windows, _ in self._batches])
        columns = {name: np.concatenate([scored[name] for _, scored in self._batches]) for name in part.kind.columns}
        rows = Rows.sort(windows, columns, self._computed_on)
        self._batches, self._written = [], time.monotonic()
        self._submit(partial(self._scores.write, part, rows, self._reuse))
