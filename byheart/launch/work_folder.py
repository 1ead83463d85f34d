"""The folder of a run's artifacts on this machine: it goes when the run ends, or with the next run after a kill.

TMPDIR/byheart-run-XXXX/
  .lock       locked while the run goes on; the lock ends with its process at the latest
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "byheart-run-"
_LOCK = ".lock"


@contextlib.contextmanager
def open_work_folder() -> Iterator[Path]:
    """A new folder, which is removed afterwards, as are those of runs that were killed."""
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
        new = Path(folder) / f"{_LOCK}-new"
        with new.open("w") as file:
            with contextlib.suppress(OSError):  # of a file system without locks: then no run removes the folder
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                new.rename(new.with_name(_LOCK))  # a lock that others see is held
            yield Path(folder)


def _remove_left() -> None:
    """Remove this user's folders whose run has ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
