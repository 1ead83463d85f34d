"""One small interface over the places where heavy things live.

For example:

    store = open_store("results/store")
    store.create("scores/1f0c/part-00000.parquet", data)   # whole or not at all, and only once
    store.read("scores/1f0c/part-00000.parquet")

An object is created once and never changes: that is what lets a run trust what an earlier one left.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from byheart.contracts.errors import StoreError
from byheart.store.local import LocalStore
from byheart.store.stored import Growing, Stored


class Place(Protocol):
    """Objects by name, to read. A name is a relative path with `/` between its parts.

    Every method may be called from several threads at once, and raises StoreError, which names the object, the cause
    and the remedy, where it cannot do what it says.
    """

    def read(self, name: str) -> bytes:
        """The object's bytes."""
        ...

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The object's bytes from `start` up to `stop`."""
        ...

    def find(self, name: str) -> Stored | None:
        """What is said of the object, None where there is none."""
        ...

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose name begins with `prefix`, in the order of their names."""
        ...

    def locate(self, name: str) -> str:
        """The object's full address, for people."""
        ...


class Store(Place, Protocol):
    """Objects by name, to read and to write."""

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        """Create the object, whole or not at all; False, and no change, where one of that name is there already.

        Args:
            data: a file is read from where it stands to its end, piece by piece.
        """
        ...

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Create the object, whole or not at all, in place of any of that name: for what is damaged, or forced anew."""
        ...

    def grow(
        self, name: str, piece_bytes: int, stop: threading.Event | None = None
    ) -> AbstractContextManager[Growing | None]:
        """Bring a large object piece by piece, where an earlier attempt was ended; None where it is there already.

        Several processes may: they wait for one another, or share the work.

        Args:
            piece_bytes: the size of all pieces but the last.
            stop: once it is set, another process is waited for no longer: that raises StoreError.
        """
        ...

    def begun_bytes(self, name: str) -> int:
        """What is kept of an object that is growing, and takes room."""
        ...

    def fetch(self, name: str, path: Path) -> None:
        """Write the object to a local file, several ranges at once where that is faster."""
        ...

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there."""
        ...

    def leftovers(self, prefix: str = "") -> Iterator[Stored]:
        """What `list` hides: files of writes that were ended, or are going on. They may be deleted by name."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing at all is there.

        Raises:
            StoreError: it is no folder, or no bucket.
        """
        ...

    def delete(self, name: str) -> None:
        """Delete the object if it is there."""
        ...

    def check_writable(self) -> None:
        """Write a small object and remove it, as a run does before it costs anything."""
        ...

    def free_bytes(self) -> int | None:
        """Room that is left; None where that is not known."""
        ...


def open_store(address: str, parameter: str = "store") -> Store:
    """The store at `gs://bucket/prefix`, or at a local folder's path, which is made when it is first written to.

    Args:
        parameter: the pipeline's, which gives the address: what errors call the place.

    Raises:
        StoreError: `address` is neither.
    """
    if address.startswith("gs://"):
        from byheart.store.gcs import GcsStore  # half a second of imports that a local run is spared

        return GcsStore(address, parameter)
    if not address or "://" in address:
        raise StoreError(
            f"{parameter} must be a local folder or gs://bucket/prefix, found {address!r}: give one, such as "
            "build/store",
            parameter=parameter,
        )
    return LocalStore(address, parameter)
