"""A store in a local folder."""

import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from byheart.contracts.errors import StoreError, os_error_may_pass
from byheart.contracts.progress import say
from byheart.store.local_files import HIDDEN, GrowingFile, explained, give_name, name_growing
from byheart.store.stored import Growing, Stored, check_name


class LocalStore:
    """Objects as files below `folder`; several processes may share it."""

    def __init__(self, folder: str, parameter: str = "store") -> None:
        self._folder, self._parameter = Path(folder), parameter

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        """Write the object to a hidden file beside it, and link that to its name when it is complete."""
        path = self._path(name)
        with explained("write", path), _hidden(path, data) as hidden:
            return give_name(hidden, path)

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Write the object to a hidden file beside it, and rename that when it is complete."""
        path = self._path(name)
        with explained("write", path), _hidden(path, data) as hidden:
            hidden.replace(path)

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = self._path(name)
        with explained("read", path):
            return path.read_bytes()

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The file's bytes from `start` up to `stop`."""
        path = self._path(name)
        with explained("read", path), path.open("rb") as file:
            data = os.pread(file.fileno(), max(stop - start, 0), start)
        if len(data) != max(stop - start, 0):
            raise StoreError(
                f"cannot read bytes {start:,} to {stop:,} of {path}: found {len(data):,}: run again", may_pass=True
            )
        return data

    def fetch(self, name: str, path: Path) -> None:
        """Copy the file."""
        source = self._path(name)
        with explained("read", source):
            shutil.copyfile(source, path)

    @contextmanager
    def grow(self, name: str, piece_bytes: int, stop: threading.Event | None = None) -> Iterator[Growing | None]:
        """Write a large file in pieces to a hidden file beside it, which one process at a time owns."""
        growing = GrowingFile(self._path(name), piece_bytes, stop or threading.Event())
        try:
            if self.exists(name):
                growing.discard()
                yield None
            else:
                yield growing
        finally:
            growing.close()

    def begun_bytes(self, name: str) -> int:
        """The size of the hidden file."""
        path = name_growing(self._path(name))
        with explained("find", path):
            return path.stat().st_size if path.is_file() else 0

    def exists(self, name: str) -> bool:
        """Whether there is such a file; it is complete."""
        return self._path(name).is_file()

    def find(self, name: str) -> Stored | None:
        """The file's size, age and version; None where there is no such file."""
        path = self._path(name)
        with explained("find", path):
            return self._stored(path) if path.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The files whose name begins with a prefix, by name."""
        return (stored for stored in self._files(prefix) if not Path(stored.name).name.startswith("."))

    def leftovers(self, prefix: str = "") -> Iterator[Stored]:
        """The hidden files of writes that were ended, or are going on."""
        return (stored for stored in self._files(prefix) if Path(stored.name).name.startswith(HIDDEN))

    def is_empty(self) -> bool:
        """Whether the folder is not there yet, or nothing that is not hidden is in it."""
        with explained("list", self._folder):
            if not self._folder.exists():
                return True
            return all(path.name.startswith(".") for path in self._folder.iterdir())

    def delete(self, name: str) -> None:
        """Delete the file if there is one, and folders that become empty by it."""
        path = self._path(name)
        with explained("delete", path):
            path.unlink(missing_ok=True)
        for folder in path.parents:
            try:
                if folder == self._folder:
                    break
                folder.rmdir()
            except OSError:
                break

    def check_writable(self) -> None:
        """Create a hidden file as objects are created, and remove it; this creates the folder."""
        probe = self._folder / f".probe-{uuid.uuid4().hex}"
        try:
            with _hidden(probe, b"byheart") as hidden:
                give_name(hidden, probe)
                has_links = hidden.exists()
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"{self._parameter} must be a folder that can be written, found {self._folder}: {error.strerror}: "
                "permit it, make room or choose another",
                parameter=self._parameter,
                may_pass=os_error_may_pass(error),
            ) from None
        if not has_links:
            say(f"{self._parameter}: {self._folder} has no hard links: let one run at a time write there")

    def free_bytes(self) -> int | None:
        """The free bytes of the file system that holds the folder, or will hold it."""
        folder = self._folder.absolute()
        try:
            return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.is_dir())).free
        except OSError:
            return None

    def locate(self, name: str) -> str:
        """The file's path."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)

    def _files(self, prefix: str) -> Iterator[Stored]:
        """All files whose name begins with a prefix, by name."""
        folder = self._folder / prefix.rpartition("/")[0]
        with explained("list", folder):
            for path in sorted(Path(at, name) for at, _, names in os.walk(folder) for name in names):
                if path.relative_to(self._folder).as_posix().startswith(prefix):
                    with suppress(FileNotFoundError):  # deleted since
                        yield self._stored(path)

    def _stored(self, path: Path) -> Stored:
        stat = path.stat()
        return Stored(
            name=path.relative_to(self._folder).as_posix(),
            size_bytes=stat.st_size,
            created=datetime.fromtimestamp(stat.st_mtime, UTC),
            version=str(stat.st_mtime_ns),
        )


@contextmanager
def _hidden(path: Path, data: bytes | BinaryIO) -> Iterator[Path]:
    """Write `data` to a hidden file beside `path`, flush it to the disk, and remove it afterwards unless renamed."""
    hidden = path.with_name(f"{HIDDEN}{uuid.uuid4().hex}.tmp")
    try:
        with _created(hidden) as file:
            if isinstance(data, bytes):
                file.write(data)
            else:
                shutil.copyfileobj(data, file, 2**20)
            file.flush()
            os.fsync(file.fileno())
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def _created(path: Path) -> BinaryIO:
    """Create a file and its folder, again where another process deletes the empty folder."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return path.open("xb")
