"""Limits on the memory that books take: those that are prepared at once, and the texts that are kept."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from byheart.contracts.errors import BookError


class Allowance:
    """Lets threads work on so many bytes at once; a thread with more than all of them works alone."""

    def __init__(self, size_bytes: int) -> None:
        self._size = self._free = size_bytes
        self._changed = threading.Condition()

    @contextmanager
    def take(self, size_bytes: int) -> Iterator[None]:
        """Wait until the bytes are free, and hold them while the `with` block lasts."""
        held = min(size_bytes, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= held)
            self._free -= held
        try:
            yield
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()


class KeptTexts:
    """Counts the memory of texts that are kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._lock = threading.Lock()

    def add(self, text: str, source: str) -> None:
        """Count a text.

        Raises:
            BookError: all together would take too much.
        """
        size = sys.getsizeof(text)
        with self._lock:
            if self._bytes + size > self._most:
                raise BookError(
                    f"all texts must take at most {self._most:,} bytes of memory, found more with {source}: divide the "
                    "books among several runs"
                )
            self._bytes += size
