"""Dataclasses as JSON files, and back: stages hand them to one another."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from byheart.contracts.errors import DamagedError

_Record = TypeVar("_Record")


def to_json(value: Any) -> bytes:
    """Indented JSON of a dataclass, list, dict or plain value; a float that is not finite becomes null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as JSON."""
    Path(path).write_bytes(to_json(value))


def from_json(data: bytes, kind: type[_Record], *, name: str) -> _Record:
    """The value of type `kind` from the JSON that `to_json` made of it; `name` is the data's name in error messages.

    Raises:
        DamagedError: the data is not JSON of that type.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(
            f"{name} must be what an earlier stage wrote, found another content ({error}): run again from the start"
        ) from None


def read_json(path: str | Path, kind: type[_Record]) -> _Record:
    """The value of type `kind` from a file that `write_json` wrote.

    Raises:
        DamagedError: the file is not JSON of that type.
    """
    return from_json(Path(path).read_bytes(), kind, name=str(path))
