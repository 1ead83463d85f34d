"""One small interface over the places where heavy things live.

For example:

    store = open_store("results/store")
    store.create("scores/1f0c/part-00000.parquet", data)   # whole or not at all, and only once
    store.read("scores/1f0c/part-00000.parquet")

An object is created once and never changes: that is what lets a run trust what an earlier one left.
"""

from typing import Protocol

from components.contracts.errors import StoreError
from components.store.local import LocalStore


class Store(Protocol):
    """Objects by name. A name is a relative path with `/` between its parts."""

    def create(self, name: str, data: bytes) -> bool:
        """Create the object, whole or not at all; False, and no change, where one of that name is there already.

        Raises:
            StoreError: it could not be written.
        """
        ...

    def check_writable(self) -> None:
        """Write a small object and remove it, as a run does before it costs anything.

        Raises:
            StoreError: objects cannot be created here.
        """
        ...

    def free_bytes(self) -> int | None:
        """Room that is left; None where that is not known."""
        ...

    def read(self, name: str) -> bytes:
        """The object's bytes.

        Raises:
            StoreError: there is none, or it could not be read.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there."""
        ...

    def locate(self, name: str) -> str:
        """The object's full address, for people."""
        ...


def open_store(address: str) -> Store:
    """The store at a local folder's path, which is made when it is first written to.

    Raises:
        StoreError: `address` is none.
    """
    if not address or "://" in address:
        raise StoreError(f"store must be a path of a local folder, found {address!r}: give one, such as build/store")
    return LocalStore(address)
