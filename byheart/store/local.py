"""A store in a local folder."""

import errno
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from byheart.contracts.errors import StoreError, os_error_may_pass
from byheart.contracts.progress import say
from byheart.store.file_errors import explained
from byheart.store.growing_file import HIDDEN, GrowingFile, name_growing
from byheart.store.naming import give_name
from byheart.store.stored import Growing, Stored, check_name, is_name

_ATTEMPTS = 100
"""To create a file in a folder that others remove as soon as it is empty."""


class LocalStore:
    """Objects as files below `folder`; several processes may share it, and several people.

    In a store, a link is no object and no folder: anyone who shares it may have made the link, and nothing elsewhere is
    read or written. Folders of models, books and results are somebody's own, and may hold links.
    """

    def __init__(self, folder: str, parameter: str = "store") -> None:
        self._folder, self._parameter = Path(folder), parameter
        self._has_links = parameter != "store"

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
        with explained("read", path), self._open(path) as file:
            return file.read()

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The file's bytes from `start` up to `stop`."""
        path = self._path(name)
        with explained("read", path), self._open(path) as file:
            data = os.pread(file.fileno(), max(stop - start, 0), start)
        if len(data) != max(stop - start, 0):
            raise StoreError(
                f"cannot read bytes {start:,} to {stop:,} of {path}: found {len(data):,}: run again", may_pass=True
            )
        return data

    def fetch(self, name: str, path: Path) -> None:
        """Copy the file."""
        source = self._path(name)
        with explained("read", source), self._open(source) as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy, 2**20)

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
            return path.stat().st_size if self._is_file(path) else 0

    def exists(self, name: str) -> bool:
        """Whether there is such a file; it is complete."""
        return self._is_file(self._path(name))

    def find(self, name: str) -> Stored | None:
        """The file's size, age and version; None where there is no such file."""
        path = self._path(name)
        with explained("find", path):
            return self._stored(path) if self._is_file(path) else None

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

    def check_writable(self, names: Iterable[str] = ()) -> None:
        """Create hidden files as objects are created, in the folders of the names too, and remove them; this creates
        the store's folder."""
        paths = [self._path(name) for name in names]
        for path in paths:
            if os.path.lexists(path) and not self._is_file(path):
                raise StoreError(
                    f"{path} must be a file or not there, found {_describe(path)}: remove it, and run again",
                    parameter=self._parameter,
                )
        folders = {next(at for at in path.parents if at.exists() or at == self._folder) for path in paths}
        for folder in sorted(folders | {self._folder}):
            probe = folder / f".probe-{uuid.uuid4().hex}"
            try:
                with _hidden(probe, b"byheart") as hidden:
                    give_name(hidden, probe)
                    has_links = hidden.exists()
                probe.unlink()
            except OSError as error:
                raise StoreError(
                    f"{self._parameter} must be a folder that can be written, found {folder}: {error.strerror}: "
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
        """The object's path, after a check that no folder of a store is a link."""
        path = self._folder
        *folders, last = PurePosixPath(check_name(name)).parts
        for folder in folders:
            path /= folder
            if not self._has_links and path.is_symlink():
                raise StoreError(
                    f"{path} must be a folder, found a link, and links in a store may lead anywhere: remove it, and "
                    "run again"
                )
        return path / last

    def _is_file(self, path: Path) -> bool:
        return path.is_file() and (self._has_links or not path.is_symlink())

    def _open(self, path: Path) -> BinaryIO:
        """Open a file to read it; what is no file is refused, and not waited for."""
        flags = os.O_NONBLOCK | (0 if self._has_links else os.O_NOFOLLOW)
        file = open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115 it is returned
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(errno.EINVAL, "not a file")
        return file

    def _files(self, prefix: str) -> Iterator[Stored]:
        """All files whose name begins with a prefix, by name."""
        folder = self._folder / prefix.rpartition("/")[0]
        with explained("list", folder):
            for path in sorted(Path(at, file) for at, _, files in os.walk(folder) for file in files):
                name = path.relative_to(self._folder).as_posix()
                if name.startswith(prefix) and (self._has_links or (is_name(name) and self._is_file(path))):
                    with suppress(FileNotFoundError):  # deleted since
                        yield self._stored(path)

    def _stored(self, path: Path) -> Stored:
        found = path.stat()
        return Stored(
            name=path.relative_to(self._folder).as_posix(),
            size_bytes=found.st_size,
            created=datetime.fromtimestamp(found.st_mtime, UTC),
            version=str(found.st_mtime_ns),
            inode=f"{found.st_ino}-{found.st_ctime_ns}",
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
    for _ in range(_ATTEMPTS):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return path.open("xb")
    return path.open("xb")


def _describe(path: Path) -> str:
    """What stands at a path that is no file."""
    if path.is_symlink():
        return "a link"
    return "a folder" if path.is_dir() else "something else"
