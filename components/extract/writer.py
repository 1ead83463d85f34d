"""Writing in the background, so that the device never waits for a disk or a network."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

_WAITING = 4
"""Writes of scores that may wait. It bounds what a kill can lose."""


class Writer:
    """Runs writes in the order of their submission, one after the other in a thread, or as many at once as it has.

    A write that fails stops the run: the next call of any method, or the end of the `with` block, raises its error.

    Args:
        waiting: writes that may wait, or be under way; it bounds the memory.
    """

    def __init__(self, *, threads: int = 1, waiting: int = _WAITING) -> None:
        self._pool, self._waiting = ThreadPoolExecutor(threads, thread_name_prefix="writer"), waiting
        self._writes: deque[Future[object]] = deque()

    def submit(self, write: Callable[[], object]) -> None:
        """Queue a write; waits while too many are queued."""
        self._writes.append(self._pool.submit(write))
        while len(self._writes) > self._waiting:
            self._writes.popleft().result()
        self.check()

    def check(self) -> None:
        """Raise the error of a write that has failed."""
        while self._writes and self._writes[0].done():
            self._writes.popleft().result()

    def after(self, write: Callable[[], object]) -> Callable[[], object]:
        """A write, for another writer, that waits for all that were submitted here so far; it raises their errors."""
        before = list(self._writes)

        def wait_and_write() -> object:
            for earlier in before:
                earlier.result()
            return write()

        return wait_and_write

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for all writes; after an error in the `with` block, only for the write that has begun."""
        try:
            while not kind and self._writes:
                self._writes.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
