"""A store in a local folder."""

import fcntl
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
from byheart.store.stored import Growing, Stored, check_name

_HIDDEN = ".byheart-"
"""Prefix of files that are being written. A process that is killed leaves them, and no process reads them."""

_POLL_SECONDS = 0.2
"""The pause between two looks at a file that another process writes."""
_WRITE_BYTES = 2**18
"""Bytes written in one call: a gigabyte takes Linux about 1 s of a core so, and 1.7 to 3.6 s in calls of 16 MiB."""


class LocalStore:
    """Objects as files below `folder`; several processes may share it."""

    def __init__(self, folder: str, parameter: str = "store") -> None:
        self._folder, self._parameter = Path(folder), parameter

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        """Write the object to a hidden file beside it, and link that to its name when it is complete."""
        path = self._path(name)
        with _explained("write", path), _hidden(path, data) as hidden:
            try:
                os.link(hidden, path)
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Write the object to a hidden file beside it, and rename that when it is complete."""
        path = self._path(name)
        with _explained("write", path), _hidden(path, data) as hidden:
            hidden.replace(path)

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = self._path(name)
        with _explained("read", path):
            return path.read_bytes()

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The file's bytes from `start` up to `stop`."""
        path = self._path(name)
        with _explained("read", path), path.open("rb") as file:
            data = os.pread(file.fileno(), max(stop - start, 0), start)
        if len(data) != max(stop - start, 0):
            raise StoreError(
                f"cannot read bytes {start:,} to {stop:,} of {path}: found {len(data):,}: run again", may_pass=True
            )
        return data

    def fetch(self, name: str, path: Path) -> None:
        """Copy the file."""
        source = self._path(name)
        with _explained("read", source):
            shutil.copyfile(source, path)

    @contextmanager
    def grow(self, name: str, piece_bytes: int, stop: threading.Event | None = None) -> Iterator[Growing | None]:
        """Write a large file in pieces to a hidden file beside it, which one process at a time owns."""
        growing = _GrowingFile(self._path(name), piece_bytes, stop or threading.Event())
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
        path = _growing(self._path(name))
        with _explained("find", path):
            return path.stat().st_size if path.is_file() else 0

    def exists(self, name: str) -> bool:
        """Whether there is such a file; it is complete."""
        return self._path(name).is_file()

    def find(self, name: str) -> Stored | None:
        """The file's size, age and version; None where there is no such file."""
        path = self._path(name)
        with _explained("find", path):
            return self._stored(path) if path.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The files whose name begins with a prefix, by name."""
        return (stored for stored in self._files(prefix) if not Path(stored.name).name.startswith("."))

    def leftovers(self, prefix: str = "") -> Iterator[Stored]:
        """The hidden files of writes that were ended, or are going on."""
        return (stored for stored in self._files(prefix) if Path(stored.name).name.startswith(_HIDDEN))

    def is_empty(self) -> bool:
        """Whether the folder is not there yet, or nothing that is not hidden is in it."""
        with _explained("list", self._folder):
            if not self._folder.exists():
                return True
            return all(path.name.startswith(".") for path in self._folder.iterdir())

    def delete(self, name: str) -> None:
        """Delete the file if there is one, and folders that become empty by it."""
        path = self._path(name)
        with _explained("delete", path):
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
                os.link(hidden, probe)
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"{self._parameter} must be a folder that can be written, found {self._folder}: {error.strerror}: "
                "permit it, make room or choose another",
                parameter=self._parameter,
                may_pass=os_error_may_pass(error),
            ) from None

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
        with _explained("list", folder):
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
            inode=f"{stat.st_ino}-{stat.st_ctime_ns}",
        )


class _GrowingFile:
    """A hidden file that grows by pieces, and is linked to its name when complete; a kill leaves its pieces."""

    def __init__(self, path: Path, piece_bytes: int, stop: threading.Event) -> None:
        self._path, self._piece_bytes = path, piece_bytes
        self._hidden = _growing(path)
        with _explained("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            while not self._own(stop):
                self._file.close()  # its owner finished it while this process waited
            self.pieces = os.fstat(self._file.fileno()).st_size // piece_bytes
            self._file.truncate(self.pieces * piece_bytes)  # a kill may have cut the last piece

    def _own(self, stop: threading.Event) -> bool:
        """Open the file, wait for its lock, and return whether the file still has its name.

        Raises:
            StoreError: `stop` was set before the file could be locked.
        """
        self._file = self._hidden.open("a+b", buffering=0)
        if not self._lock():
            say(f"waiting for another process, which writes {self._path}")
            while not self._lock():  # until its owner closes it, or is killed
                if stop.wait(_POLL_SECONDS):
                    self._file.close()
                    raise StoreError(
                        f"cannot write {self._path}: another process writes it, and the wait was ended: run again",
                        may_pass=True,
                    )
        try:
            return os.path.samestat(self._hidden.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def _lock(self) -> bool:
        """Lock the file and return True; return False where another process holds the lock.

        It does not wait in the kernel, since such a wait cannot be ended.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self, piece: int) -> bytes:
        """A piece of the file."""
        with _explained("read", self._hidden):
            return os.pread(self._file.fileno(), self._piece_bytes, piece * self._piece_bytes)

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Write a piece at the end."""
        with _explained("write", self._path):
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest[:_WRITE_BYTES]) or 0 :]
        self.pieces += 1
        return data

    def finish(self) -> None:
        """Flush the file to the disk and link it to its name."""
        with _explained("write", self._path):
            os.fsync(self._file.fileno())
            with suppress(FileExistsError):
                os.link(self._hidden, self._path)
            self._hidden.unlink()

    def discard(self) -> None:
        """Empty the file."""
        self._file.truncate(0)
        self.pieces = 0

    def close(self) -> None:
        """Unlock the file for others, and remove it where it is empty."""
        if not self.pieces:
            self._hidden.unlink(missing_ok=True)
        self._file.close()


def _growing(path: Path) -> Path:
    """The hidden file that holds a large file until it is complete."""
    return path.with_name(f"{_HIDDEN}{path.name}.growing")


@contextmanager
def _hidden(path: Path, data: bytes | BinaryIO) -> Iterator[Path]:
    """Write `data` to a hidden file beside `path`, flush it to the disk, and remove it afterwards unless renamed."""
    hidden = path.with_name(f"{_HIDDEN}{uuid.uuid4().hex}.tmp")
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


@contextmanager
def _explained(action: str, path: Path) -> Iterator[None]:
    """Turn errors of the file system into a StoreError that names the file, the cause and the remedy."""
    remedy = {"read": "run again to compute it anew"}.get(action, "make room or permit it, and run again")
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {action} {path}: {error.strerror or error}: {remedy}", may_pass=os_error_may_pass(error)
        ) from error
