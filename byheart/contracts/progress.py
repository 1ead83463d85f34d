"""What a stage says while it works: a few lines that tell the story, and how far it is.

A person at a terminal reads `stage | text`. A pod's log, or whatever else is no terminal, takes one JSON object a line,
with the names that Google Cloud Logging knows, and the numbers of the text as fields:

    {"time": "2026-01-31T12:00:00.000Z", "severity": "INFO", "stage": "tokenize", "message": "5 / 9 slices, ...",
     "done": 5, "total": 9, "unit": "slices", "slices_per_second": 2.5, "seconds_left": 1.6}

The line that ends a run has the severity ERROR and the fields of the error: `parameter` and `may_pass`.
"""

import dataclasses
import errno
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from byheart.contracts.errors import ByheartError, RunFailedError, os_error_may_pass

ERROR = "ERROR"
"""The severity of a line that ends the run; that of all others is INFO."""

_LONGEST_TRACEBACK = 8_000
"""Characters of its end that are said: container runtimes cut a line at 16 KiB, and half an object is none."""

_FAULTS_OF_A_PLACE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EIO,
    errno.ESTALE,
)
"""What the user can mend, or wait for; any other OSError is a fault of this program."""

_stage = "byheart"
_is_read = False
"""Whether a person reads what is said, though stdout is no terminal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """A line that a stage has said, read back."""

    severity: str
    stage: str
    message: str
    time: str = ""
    """In UTC, as ISO 8601 writes it: in the order of texts is in the order of time."""
    done: float | None = None
    total: float | None = None
    """How far a long job is, of a line of progress."""
    elapsed_seconds: float | None = None
    """Of the last line of a stage that is done."""
    parameter: str = ""
    may_pass: bool = True
    """Of an error, as in `ByheartError`; a fault of this program, which nobody foresaw, may pass."""
    exception: str = ""
    """The traceback of a fault of this program."""

    @property
    def is_error(self) -> bool:
        """Whether it ends the run."""
        return self.severity == ERROR

    def failure(self, where: str = "", kind: type[RunFailedError] = RunFailedError) -> RunFailedError:
        """The failure of the run that this error ends.

        Args:
            where: where there is more to read.
        """
        message = f"{self.stage}: {self.message}" + (f": {where}" if where else "")
        return kind(message, parameter=self.parameter, may_pass=self.may_pass, stage=self.stage)


def said_in(line: str) -> Said | None:
    """What a stage said in this line of a log; None where another program printed it.

    What others print without a line's end, such as Kubeflow's indentation, may stand before it.
    """
    start = line.find("{")
    while start >= 0:
        try:
            return msgspec.convert(json.loads(line[start:]), Said)
        except (ValueError, RecursionError):  # no JSON, or another's
            start = line.find("{", start + 1)
    return None


def say(message: str, severity: str = "INFO", **fields: Any) -> None:
    """Print one line of the stage's story.

    Args:
        fields: what of the message a program may want to read, ready for JSON; a terminal does not show it.
    """
    if _is_read or sys.stdout.isatty():
        _print(f"{_stage} | {'error: ' if severity == ERROR else ''}{message}")
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"time": now, "severity": severity, "stage": _stage, "message": message, **fields}
    line = json.dumps(said, ensure_ascii=False, allow_nan=False)
    _print(line.encode("utf-8", "backslashreplace").decode())  # half a surrogate pair as JSON spells it


@contextmanager
def read_by_people() -> Iterator[None]:
    """Within it lines are said as on a terminal, wherever they go: for a command whose output is a page."""
    global _is_read
    before, _is_read = _is_read, True
    try:
        yield
    finally:
        _is_read = before


def _print(line: str) -> None:
    print(f"{line}\n", end="", flush=True)  # the line and its end in one, or two threads' lines run into each other


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Run a stage's body under its name; an error meant for the user becomes one line and exit code 1.

    So does any other, with its traceback as the field `exception`; on a terminal that is left as Python prints it.

    Raises:
        SystemExit: the body raised an error.
    """
    global _stage
    _stage = name
    started = time.monotonic()
    try:
        yield
    except Exception as error:
        refusal = _refusal(error)
        if refusal:
            refusal.stage = name
            say_error(refusal)
        elif sys.stdout.isatty():
            raise
        else:
            first, *_ = "".join(traceback.format_exception_only(error)).splitlines()
            say(first, ERROR, exception=traceback.format_exc()[-_LONGEST_TRACEBACK:])
        raise SystemExit(1) from None
    seconds = time.monotonic() - started
    say(f"done in {duration(seconds)}", elapsed_seconds=round(seconds, 3))


def say_error(error: ByheartError) -> None:
    """Say why the run ends."""
    say(error.message, ERROR, parameter=error.parameter, may_pass=error.may_pass)


def _refusal(error: Exception) -> ByheartError | None:
    """The error in the user's words; None where it is a fault of this program."""
    if isinstance(error, ByheartError):
        return error
    if isinstance(error, OSError) and error.errno in _FAULTS_OF_A_PLACE:
        may_pass = os_error_may_pass(error)
        remedy = "run again" if may_pass else "make room or choose another"
        place = error.filename or "a file"
        return ByheartError(f"cannot write or read {place}: {error.strerror}: {remedy}", may_pass=may_pass)
    return None


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
        self._skipped, self._remark = skip, remark
        self._lock = threading.Lock()
        self._started = self._said = time.monotonic()
        self._every = float(os.environ.get("BYHEART_PROGRESS_SECONDS", "0"))

    def skip(self, count: int) -> None:
        """Count `count` more units as done before the start."""
        with self._lock:
            self.done += count
            self._skipped += count

    def add(self, count: int, before: str = "", **fields: Any) -> None:
        """Count `count` more units as done, and say so when it is time; several threads may.

        Args:
            before: what the line begins with.
            fields: what else a program may want to read of it.
        """
        with self._lock:
            self.done += count
            self._say_when_due(before, fields)

    def _say_when_due(self, before: str, fields: dict[str, Any]) -> None:
        now = time.monotonic()
        worked = now - self._started
        expected = worked * (self.total - self._skipped) / max(self.done - self._skipped, 1)
        if self.done >= self.total or now - self._said >= (self._every or max(2.0, expected / 20)):
            self._said = now
            rate = (self.done - self._skipped) / max(worked, 1e-9)
            left = (self.total - self.done) / max(rate, 1e-9)
            numbers: dict[str, Any] = {"done": self.done, "total": self.total, "unit": self.unit}
            numbers |= {f"{self.unit}_per_second": round(rate, 3), "seconds_left": round(left, 1)}
            say(
                f"{before}{self.done:,} / {self.total:,} {self.unit}, "
                f"{_rate(rate)} {self.unit}/s{self._remark(rate)}, {duration(left)} left",
                **numbers,
                **fields,
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


def about(seconds: float) -> str:
    """Estimated seconds in words: `under a minute`, `about 25 minutes`, `about 2.5 hours`, `about 3 days`."""
    if seconds < 60:
        return "under a minute"
    units = (("minute", 60, 5_400), ("hour", 3_600, 172_800), ("day", 86_400, math.inf))
    unit, length = next((unit, length) for unit, length, most in units if seconds < most)
    count = seconds / length
    shown = round(count) if count >= 10 else round(2 * count) / 2  # an estimate has no more digits
    return f"about {shown:,g} {unit}{'s' * (shown != 1)}"


def size(size_bytes: float) -> str:
    """Bytes as `6.0 MB` or `140.9 GB`."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"
