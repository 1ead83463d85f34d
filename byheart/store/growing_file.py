"""A large file of a local store that is written in pieces."""

import errno
import fcntl
import os
import stat
import threading
from pathlib import Path

from byheart.contracts.errors import StoreError
from byheart.contracts.progress import say
from byheart.store.file_errors import explained
from byheart.store.naming import give_name

HIDDEN = ".byheart-"
"""Prefix of files that are being written. A process that is killed leaves them, and no process reads them."""
_POLL_SECONDS = 0.2
"""The pause between two looks at a file that another process writes."""
_WRITE_BYTES = 2**18
"""Bytes written in one call: a gigabyte takes Linux about 1 s of a core so, and 1.7 to 3.6 s in calls of 16 MiB."""


class GrowingFile:
    """A hidden file that grows by pieces, and is linked to its name when complete; a kill leaves its pieces."""

    def __init__(self, path: Path, piece_bytes: int, stop: threading.Event) -> None:
        self._path, self._piece_bytes = path, piece_bytes
        self._hidden = name_growing(path)
        with explained("write", path):
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
        self._file = open(self._hidden, "a+b", buffering=0, opener=_open)  # noqa: SIM115 closed by `close`
        if not self._lock():
            say(f"waiting for another process, which writes {self._path}")
            while not self._lock():  # until its owner closes it, or is killed
                if stop.wait(_POLL_SECONDS):
                    self._file.close()
                    raise StoreError(
                        f"cannot write {self._path}: another process writes it, and the wait was ended: run again",
                        may_pass=True,
                    )
        opened = os.fstat(self._file.fileno())
        if not stat.S_ISREG(opened.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        try:
            if not os.path.samestat(self._hidden.lstat(), opened):
                return False
            if opened.st_nlink > 1:  # a kill left it beside the finished object, or somebody linked a file of theirs
                self._hidden.unlink()
                return False
        except FileNotFoundError:
            return False
        return True

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
        with explained("read", self._hidden):
            return os.pread(self._file.fileno(), self._piece_bytes, piece * self._piece_bytes)

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        """Write a piece at the end."""
        with explained("write", self._path):
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest[:_WRITE_BYTES]) or 0 :]
        self.pieces += 1
        return data

    def finish(self) -> None:
        """Flush the file to the disk and link it to its name."""
        with explained("write", self._path):
            os.fsync(self._file.fileno())
            give_name(self._hidden, self._path)
            self._hidden.unlink(missing_ok=True)

    def discard(self) -> None:
        """Empty the file."""
        self._file.truncate(0)
        self.pieces = 0

    def close(self) -> None:
        """Unlock the file for others, and remove it where it is empty."""
        if not self.pieces:
            self._hidden.unlink(missing_ok=True)
        self._file.close()


def name_growing(path: Path) -> Path:
    """The hidden file that holds a large file until it is complete."""
    return path.with_name(f"{HIDDEN}{path.name}.growing")


def _open(path: str, mode: int) -> int:
    """Open a file whose name anyone can foresee: a link of that name is not followed."""
    return os.open(path, mode | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
