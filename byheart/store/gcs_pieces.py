"""A large object in Google Cloud Storage, uploaded as small objects that the service composes.

    models/a.safetensors.pieces/00000, 00001, ...  ->  models/a.safetensors

No byte is uploaded twice: the next attempt after a kill continues with the pieces that are there.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from byheart.store.stored import Stored

PIECES = ".pieces/"
"""The pieces of an object have its name, this, and their number."""
_COMPOSE_LIMIT = 32
"""The most objects that the service composes in one call."""


class _Objects(Protocol):
    """The methods of a store that pieces need."""

    def create(self, name: str, data: bytes) -> bool: ...

    def compose(self, names: Sequence[str], name: str) -> None: ...

    def read(self, name: str) -> bytes: ...

    def list(self, prefix: str) -> Iterator[Stored]: ...

    def delete(self, name: str) -> None: ...


class GcsPieces:
    """The pieces of an object that is not complete; several processes may upload them, each piece once."""

    def __init__(self, store: _Objects, name: str) -> None:
        self._store, self._name = store, name
        uploaded = {stored.name for stored in store.list(f"{name}{PIECES}")}
        self.pieces = 0
        while self._name_piece(self.pieces) in uploaded:
            self.pieces += 1

    def read(self, piece: int) -> bytes:
        """A piece, whose checksum the store verifies."""
        return self._store.read(self._name_piece(piece))

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Upload the next piece and return it; where another process was faster, return that process's piece."""
        name = self._name_piece(self.pieces)
        kept = data if self._store.create(name, bytes(data)) else self._store.read(name)
        self.pieces += 1
        return kept

    def finish(self) -> None:
        """Compose the object from the pieces, 32 at a time, and remove them."""
        names, level = [self._name_piece(piece) for piece in range(self.pieces)], 0
        while len(names) > _COMPOSE_LIMIT:
            groups = [names[first : first + _COMPOSE_LIMIT] for first in range(0, len(names), _COMPOSE_LIMIT)]
            names = [f"{self._name}{PIECES}{level}-{index:05}" for index in range(len(groups))]
            for group, name in zip(groups, names, strict=True):
                self._store.compose(group, name)
            level += 1
        if names:
            self._store.compose(names, self._name)
        else:
            self._store.create(self._name, b"")
        self._remove()

    def discard(self) -> None:
        """Remove the pieces."""
        self._remove()
        self.pieces = 0

    def _name_piece(self, number: int) -> str:
        return f"{self._name}{PIECES}{number:05}"

    def _remove(self) -> None:
        for stored in list(self._store.list(f"{self._name}{PIECES}")):
            self._store.delete(stored.name)
