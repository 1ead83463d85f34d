"""What a store says of an object without reading it, and what an object may be called."""

import dataclasses
from datetime import datetime
from pathlib import PurePosixPath

from components.contracts.errors import StoreError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """An object: its name, size and age."""

    name: str
    size_bytes: int
    created: datetime
    """With a time zone."""


def checked_name(name: str) -> str:
    """The name of an object, if it stays below the store.

    Raises:
        StoreError: it does not.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StoreError(f"an object's name must be a relative path without '..', found {name!r}: choose another")
    return name
