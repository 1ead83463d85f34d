"""What a store says of an object without reading it, and what an object may be called."""

import dataclasses
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from byheart.contracts.errors import StoreError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """An object: its name, size and age."""

    name: str
    size_bytes: int
    created: datetime
    """With a time zone."""
    version: str
    """Another one if the content may be another: the generation, or the time of the last change."""
    crc32c: str = ""
    """Of the content, in base64 as Google Cloud Storage writes it; empty where the store would have to read it all."""


class Growing(Protocol):
    """An object that is brought piece by piece, and is there for others when it is finished.

    What has been appended outlives the process: whoever grows the same object next goes on where it was.
    """

    pieces: int
    """How many are there; all of them but the object's last are of one size."""

    def read(self, piece: int) -> bytes:
        """A piece that is there."""
        ...

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Keep the next piece; what is kept, which is another's where one was faster."""
        ...

    def finish(self) -> None:
        """Make the object, unless it is there, and leave nothing else behind."""
        ...

    def discard(self) -> None:
        """Forget all pieces: they did not make what was wanted."""
        ...


def checked_name(name: str) -> str:
    """The name of an object, if it stays below the store.

    Raises:
        StoreError: it does not.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StoreError(f"an object's name must be a relative path without '..', found {name!r}: choose another")
    return name
