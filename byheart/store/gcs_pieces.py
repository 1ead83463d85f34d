"""A large object in Google Cloud Storage, brought as small ones that the service puts together.

    models/a.safetensors.pieces/00000, 00001, ...  ->  models/a.safetensors

Nothing of it passes through this machine twice, and what a kill leaves is found by the next attempt.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from byheart.store.stored import Stored

PIECES = ".pieces/"
"""What follows the object's name in those of its pieces."""
_MOST = 32
"""Objects that the service puts together in one call."""


class _Objects(Protocol):
    """What is asked of the store."""

    def create(self, name: str, data: bytes) -> bool: ...

    def compose(self, names: Sequence[str], name: str) -> None: ...

    def read(self, name: str) -> bytes: ...

    def list(self, prefix: str) -> Iterator[Stored]: ...

    def delete(self, name: str) -> None: ...


class GcsPieces:
    """The pieces of an object that is not there yet; several processes may bring them, each piece once."""

    def __init__(self, store: _Objects, name: str) -> None:
        self._store, self._name = store, name
        there = {stored.name for stored in store.list(f"{name}{PIECES}")}
        self.pieces = 0
        while self._piece(self.pieces) in there:
            self.pieces += 1

    def read(self, piece: int) -> bytes:
        """A piece, held against its checksum."""
        return self._store.read(self._piece(piece))

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Upload the next piece, or read what another process has uploaded."""
        name = self._piece(self.pieces)
        kept = data if self._store.create(name, bytes(data)) else self._store.read(name)
        self.pieces += 1
        return kept

    def finish(self) -> None:
        """Have the service put the pieces together, 32 at a time, and remove them."""
        parts, level = [self._piece(piece) for piece in range(self.pieces)], 0
        while len(parts) > _MOST:
            groups = [parts[first : first + _MOST] for first in range(0, len(parts), _MOST)]
            names = [f"{self._name}{PIECES}{level}-{index:05}" for index in range(len(groups))]
            for group, name in zip(groups, names, strict=True):
                self._store.compose(group, name)
            parts, level = names, level + 1
        if parts:
            self._store.compose(parts, self._name)
        else:
            self._store.create(self._name, b"")
        self._remove()

    def discard(self) -> None:
        """Remove the pieces."""
        self._remove()
        self.pieces = 0

    def _piece(self, number: int) -> str:
        return f"{self._name}{PIECES}{number:05}"

    def _remove(self) -> None:
        for stored in list(self._store.list(f"{self._name}{PIECES}")):
            self._store.delete(stored.name)
