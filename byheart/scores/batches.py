"""Which windows are computed next, and when what was computed goes into the store."""

import dataclasses
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from byheart.scores.parts import Missing, Part, Rows
from byheart.scores.store import Reuse, ScoreStore

PIECE_SECONDS = 15.0
"""How much work is kept only in memory: with the batch at hand, what a kill costs."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Windows of a part that are computed together."""

    part: Part
    windows: np.ndarray
    """int32, sorted; at most as many as were asked for."""


def choose_batches(
    scores: ScoreStore,
    missing: Sequence[Missing],
    reuse: Reuse,
    *,
    batch_size: int,
    run: str,
    leave_out: Callable[[Part, int], None],
) -> Iterator[Batch]:
    """The batches of a run, without what other runs of the same measurement have put into the store by then.

    This alone decides what is computed: of several processes that compute together, process 0 runs it and tells the
    others. Books are computed in their order. Within a book two runs begin at different batches, which follow from the
    run, and go round:

        part 0          part 1          part 2
        |.......|.......|....>>>|>>>>>>>|>>>>>>>|>>>>>>>|      first to the end, from a batch of part 1
        |>>>>>>>|>>>>>>>|>>>>...|                              then from the first to that batch

    A run that finds another at work goes on at another book, and comes back to those in between.

    Args:
        missing: in the order of the books.
        leave_out: called with a part and how many of its windows another run has computed.
    """
    drawn, met = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8]), False

    def leave(part: Part, windows: int) -> None:
        nonlocal met
        met = True
        leave_out(part, windows)

    left = [list(some) for _, some in itertools.groupby(missing, key=lambda one: one.part.address)]
    turned = False
    while left:
        if met and not turned:
            turned, turn = True, drawn % len(left)
            left = left[turn:] + left[:turn]
        for visit in _round(left.pop(0), drawn, batch_size):
            yield from _batches_of(scores, visit, reuse, batch_size, leave)


def _round(missing: Sequence[Missing], drawn: int, batch_size: int) -> list[Missing]:
    """The windows of a book from a batch that was drawn to the end, then from the first to that batch."""
    counts = [-(-len(one.windows) // batch_size) for one in missing]
    start = drawn % sum(counts)
    first = int(np.searchsorted(np.cumsum(counts), start, side="right"))
    cut, split = (start - sum(counts[:first])) * batch_size, missing[first]
    begin = Missing(part=split.part, windows=split.windows[cut:])
    end = Missing(part=split.part, windows=split.windows[:cut])
    return [begin, *missing[first + 1 :], *missing[:first], end]


def _batches_of(
    scores: ScoreStore, visit: Missing, reuse: Reuse, batch_size: int, leave_out: Callable[[Part, int], None]
) -> Iterator[Batch]:
    """The batches of one part, of which the store is asked now and again what others have computed."""
    left, looked = visit.windows, -PIECE_SECONDS
    while len(left):
        if time.monotonic() - looked >= PIECE_SECONDS:
            looked = time.monotonic()
            still = scores.missing_now(Missing(part=visit.part, windows=left), reuse)
            if len(still) < len(left):
                leave_out(visit.part, len(left) - len(still))
                left = still
                continue
        yield Batch(part=visit.part, windows=left[:batch_size])
        left = left[batch_size:]


class Unwritten:
    """What was computed and is kept only in memory: at most a part, and at most `PIECE_SECONDS` of work.

    Args:
        computed_on: what a part says of how it was computed.
        submit: runs a write, in order, perhaps later and in another thread.
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
        """Take what was computed of a batch, and write when it is time."""
        if batch.part != self._part:
            self.leave()
            self._part = batch.part
        self._batches.append((batch.windows, columns))
        held = sum(len(windows) for windows, _ in self._batches)
        if held == len(batch.part.windows) or time.monotonic() - self._written >= PIECE_SECONDS:
            self._write(batch.part)

    def leave(self) -> None:
        """Write what is left of the part at hand, and put it together if no window of it is missing."""
        if self._part is None:
            return
        if self._batches:
            self._write(self._part)
        self._submit(partial(self._scores.put_together, self._part, self._reuse))
        self._part = None

    def _write(self, part: Part) -> None:
        windows = np.concatenate([windows for windows, _ in self._batches])
        columns = {name: np.concatenate([held[name] for _, held in self._batches]) for name in part.kind.columns}
        rows = Rows.of(windows, columns, self._computed_on)
        self._batches, self._written = [], time.monotonic()
        self._submit(partial(self._scores.write, part, rows, self._reuse))
