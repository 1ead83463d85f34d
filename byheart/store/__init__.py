"""One interface to the places that hold large objects: a local folder, or a bucket of Google Cloud Storage.

For example:

    store = open_store("results/store")
    store.create("scores/1f0c/part-00000.parquet", data)   # whole or not at all, and only once
    store.read("scores/1f0c/part-00000.parquet")

An object is created once and never changes, so a run can trust the objects of earlier runs.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from byheart.contracts.errors import StoreError
from byheart.store.local import LocalStore
from byheart.store.stored import Growing, Stored


class Place(Protocol):
    """A location of objects that can be read by name; a name is a relative path with `/`.

    Every method may be called from several threads at once. A method that fails raises StoreError, which names the
    object, the cause and the remedy.
    """

    def read(self, name: str) -> bytes:
        """The object's bytes."""
        ...

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The object's bytes from `start` up to `stop`."""
        ...

    def find(self, name: str) -> Stored | None:
        """The object's size, age and version; None where there is no such object."""
        ...

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose name begins with `prefix`, in the order of their names."""
        ...

    def locate(self, name: str) -> str:
        """The object's full address, as messages show it."""
        ...


class Store(Place, Protocol):
    """A place whose objects can be written too."""

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        """Create the object, whole or not at all, and return True; return False where the name is taken.

        Args:
            data: bytes, or a file, which is read from its current position to its end in pieces.
        """
        ...

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Create the object, whole or not at all, and overwrite one of that name: for damaged objects, and by force."""
        ...

    def grow(
        self, name: str, piece_bytes: int, stop: threading.Event | None = None
    ) -> AbstractContextManager[Growing | None]:
        """Write a large object in pieces, after those of earlier attempts; None where the object is complete.

        Several processes may write the same object: they wait for one another, or share the work.

        Args:
            piece_bytes: the size of all pieces but the last.
            stop: ends the wait for another process; then StoreError is raised.
        """
        ...

    def begun_bytes(self, name: str) -> int:
        """The bytes of an incomplete object's pieces."""
        ...

    def fetch(self, name: str, path: Path) -> None:
        """Copy the object to a local file."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
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
        """Delete the object if there is one."""
        ...

    def check_writable(self, names: Iterable[str] = ()) -> None:
        """Write a small object and remove it: a run does so before it costs anything.

        Args:
            names: of objects that will be created, or replaced.

        Raises:
            StoreError: it cannot be written, or what has one of the names is no object.
        """
        ...

    def free_bytes(self) -> int | None:
        """The free bytes of the place; None where they are not known."""
        ...


def open_store(address: str, parameter: str = "store") -> Store:
    """The store at `gs://bucket/prefix`, or in a local folder, which the first write creates.

    Args:
        parameter: the pipeline's parameter that holds the address; errors name it.

    Raises:
        StoreError: `address` is neither.
    """
    if address.startswith("gs://"):
        from byheart.store.gcs import GcsStore  # imported here: it takes half a second, which a local run saves

        return GcsStore(address, parameter)
    if not address or "://" in address:
        raise StoreError(
            f"{parameter} must be a local folder or gs://bucket/prefix, found {address!r}: give one, such as "
            "build/store",
            parameter=parameter,
        )
    return LocalStore(address, parameter)
