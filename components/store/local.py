"""A store in a local folder."""

import os
import tempfile
from pathlib import Path

from components.contracts.errors import StoreError


class LocalStore:
    """Objects as files below `folder`; several processes may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def create(self, name: str, data: bytes) -> bool:
        """Create the object through a hidden file beside it, which is linked to its name when it is whole."""
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                try:
                    os.link(file.name, path)
                except FileExistsError:
                    return False
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}: make room or permit it, and run again") from error
        return True

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}: run again to compute it anew") from error

    def exists(self, name: str) -> bool:
        """Whether the file is there: if so, it is whole."""
        return self._path(name).is_file()

    def locate(self, name: str) -> str:
        """The file's path."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise StoreError(f"an object's name must be a relative path without '..', found {name!r}")
        return self._folder / path
