"""A store in a local folder."""

import os
import shutil
import uuid
from pathlib import Path

from components.contracts.errors import StoreError


class LocalStore:
    """Objects as files below `folder`; several processes may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def create(self, name: str, data: bytes) -> bool:
        """Create the object through a hidden file beside it."""
        path = self._path(name)
        try:
            return _create(path, data)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}: make room or permit it, and run again") from error

    def check_writable(self) -> None:
        """Create a hidden file as objects are created, and remove it; the folder is made."""
        probe = self._folder / f".probe-{uuid.uuid4().hex}"
        try:
            _create(probe, b"byheart")
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"store must be a folder that can be written, found {self._folder}: {error.strerror}: permit it, make "
                "room or choose another"
            ) from None

    def free_bytes(self) -> int | None:
        """What the folder's file system has left for this user; a folder that is not there yet is its parent's."""
        folder = self._folder.absolute()
        try:
            return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.is_dir())).free
        except OSError:
            return None

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


def _create(path: Path, data: bytes) -> bool:
    """Write a hidden file beside `path`, readable as the umask has it, and link it to its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with hidden.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(hidden, path)
        except FileExistsError:
            return False
    finally:
        hidden.unlink(missing_ok=True)
    return True
