"""The description of a stored object, the interface of one that grows, and the names that objects may have."""

import dataclasses
import unicodedata
from collections.abc import Iterable
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
    """When it was created, with a time zone."""
    version: str
    """Differs where the content may differ: the generation, or the time of the last change."""
    inode: str = ""
    """The file's number, and the time of the last change of any kind, which no program can set: files of two machines
    differ in it. Empty where `version` says as much."""
    crc32c: str = ""
    """The content's CRC32C in base64, as Google Cloud Storage writes it; empty where the store does not keep it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredGroup:
    """Objects that are listed, copied or removed together."""

    objects: list[Stored]

    @property
    def size_bytes(self) -> int:
        """The size of all objects."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """The time of the latest write.

        Raises:
            ValueError: there are no objects.
        """
        return max(stored.created for stored in self.objects)


def group_by_folder(objects: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Objects by the second part of their names: by their folder within a folder of the store."""
    groups: dict[str, list[Stored]] = {}
    for stored in objects:
        groups.setdefault(stored.name.split("/")[1], []).append(stored)
    return groups


class Growing(Protocol):
    """An object that is written in pieces; others see it when it is finished.

    Pieces outlive the process: the next one to grow the same object continues after them.
    """

    pieces: int
    """The number of pieces that are kept; all but the object's last have the same size."""

    def read(self, piece: int) -> bytes:
        """A piece that is kept."""
        ...

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Keep the next piece and return it; where another process was faster, return that process's piece."""
        ...

    def finish(self) -> None:
        """Create the object from its pieces, unless it exists, and remove the pieces."""
        ...

    def discard(self) -> None:
        """Remove all pieces, since they do not make the object."""
        ...


def check_name(name: str) -> str:
    """The name, after a check that it stays within the store.

    Raises:
        StoreError: the name is absolute, empty or has a `..`.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StoreError(f"an object's name must be a relative path without '..', found {name!r}: choose another")
    return name


def is_name(name: str) -> bool:
    """Whether byheart could have given an object this name; anyone who shares a store may have made others in it."""
    path = PurePosixPath(name)
    printable = all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in name)
    return printable and name == path.as_posix() and not path.is_absolute() and ".." not in path.parts
