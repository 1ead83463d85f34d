"""Dataclasses as JSON files, and back: what stages hand to one another."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from byheart.contracts.errors import DamagedError

_Record = TypeVar("_Record")


def to_json(value: Any) -> bytes:
    """A value of dataclasses, lists, dicts and plain values as indented JSON; floats that are not finite are null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def write_json(path: str | Path, value: Any) -> None:
    """Write what `to_json` makes of a value."""
    Path(path).write_bytes(to_json(value))


def from_json(data: bytes, kind: type[_Record], *, name: str) -> _Record:
    """The value of that type that `to_json` made; `name` is for the error.

    Raises:
        DamagedError: the data is another.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise DamagedError(
            f"{name} must be what an earlier stage wrote, found another content ({error}): run again from the start"
        ) from None


def read_json(path: str | Path, kind: type[_Record]) -> _Record:
    """The value of that type that `write_json` wrote.

    Raises:
        DamagedError: the file holds another.
    """
    return from_json(Path(path).read_bytes(), kind, name=str(path))
