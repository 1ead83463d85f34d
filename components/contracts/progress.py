"""What a stage says while it works: a few lines that tell the story, and how far it is.

Every line reads `stage | text`, so that it stands out among what the workflow engine prints, in a pod's log too.
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from components.contracts.errors import ByheartError

MARK = " | "
ERROR = "error: "
DONE = "done in "
LEFT = " left"

_FAULTS_OF_A_PLACE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
    errno.ELOOP,
)

_stage = "byheart"


def say(text: str) -> None:
    """Print one line of the stage's story."""
    print(f"{_stage}{MARK}{text}", flush=True)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Run a stage's body under its name; an error meant for the user becomes one line and exit code 1.

    Raises:
        SystemExit: the body raised a `ByheartError`, or a place is full, not writable or not a path.
    """
    global _stage
    _stage = name
    started = time.monotonic()
    try:
        yield
    except ByheartError as error:
        say(f"{ERROR}{' '.join(str(error).split())}")
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _FAULTS_OF_A_PLACE:
            raise
        say(f"{ERROR}cannot write or read {error.filename or 'a file'}: {error.strerror}: make room or choose another")
        raise SystemExit(1) from None
    say(f"{DONE}{duration(time.monotonic() - started)}")


class Progress:
    """Says how far a long job is: done / total, rate and time left.

    At most about 25 lines are said, however long the job is, unless `BYHEART_PROGRESS_SECONDS` asks for one line at
    least that often (a launcher that draws them over one another on a terminal does).

    Args:
        total: units to do.
        unit: their name, in the plural.
        skip: units that are done before the start; they do not count for the rate.
        remark: what is said of the rate.
    """

    def __init__(self, total: int, unit: str, *, skip: int = 0, remark: Callable[[float], str] = lambda _: "") -> None:
        self.total, self.unit, self.done = total, unit, skip
        self.before = ""
        """What a line begins with."""
        self._skipped, self._remark = skip, remark
        self._lock = threading.Lock()
        self._started = self._said = time.monotonic()
        self._every = float(os.environ.get("BYHEART_PROGRESS_SECONDS", "0"))

    def skip(self, count: int) -> None:
        """Count `count` more units as done before the start."""
        with self._lock:
            self.done += count
            self._skipped += count

    def add(self, count: int) -> None:
        """Count `count` more units as done, and say so when it is time; several threads may."""
        with self._lock:
            self.done += count
            self._say_when_due()

    def _say_when_due(self) -> None:
        now = time.monotonic()
        worked = now - self._started
        expected = worked * (self.total - self._skipped) / max(self.done - self._skipped, 1)
        if self.done >= self.total or now - self._said >= (self._every or max(2.0, expected / 20)):
            self._said = now
            rate = (self.done - self._skipped) / max(worked, 1e-9)
            say(
                f"{self.before}{self.done:,} / {self.total:,} {self.unit}, "
                f"{_rate(rate)} {self.unit}/s{self._remark(rate)}, "
                f"{duration((self.total - self.done) / max(rate, 1e-9))}{LEFT}"
            )


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def duration(seconds: float) -> str:
    """Seconds as `9.5 s`, `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(size_bytes: float) -> str:
    """Bytes as `6.0 MB` or `140.9 GB`."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"
