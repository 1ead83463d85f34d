"""The lines that a stage prints while it works: a few that tell the story, and those that show progress.

A terminal shows `stage | text`. Elsewhere, as in a pod's log, each line is a JSON object with the field names of Google
Cloud Logging; numbers of the text are fields too:

    {"message": "5 / 9 slices, ...", "severity": "INFO", "stage": "tokenize", "done": 5, "total": 9, "unit": "slices",
     "slices_per_second": 2.5, "seconds_left": 1.6, "time": "2026-01-31T12:00:00.000Z"}

The message is first, because Kubeflow's page shows the first 75 characters of a line. A line that ends the run has the
severity ERROR, and the fields `parameter` and `may_pass` of the error.
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
from byheart.contracts.foreign import clean
from byheart.contracts.termination import write_termination_message

ERROR = "ERROR"
"""The severity of a line that ends the run; all others have INFO."""

_TRACEBACK_CHARACTERS = 8_000
"""Characters of a traceback that are printed: container runtimes cut a line at 16 KiB, which breaks its JSON."""

_LINE_CHARACTERS = 8_000
"""The most characters of a message, for the same reason."""

_MOST_OF_A_LOGGED_LINE, _MOST_STARTS = 2**18, 20
"""Characters of a line that may be a stage's, each of 16,000 written as an escape; and braces that may begin it."""

_FILE_SYSTEM_FAULTS = (
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
"""Errors that the user can mend, or wait for; any other OSError is a fault of this program."""

_stage = "byheart"
_is_read = False
"""Whether lines are printed as on a terminal although stdout is none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StageLine:
    """A line that a stage printed, parsed."""

    severity: str
    stage: str
    message: str
    time: str = ""
    """The time in UTC, in ISO 8601: sorting by it sorts by time."""
    done: float | None = None
    """Units that are done; only in a line of progress."""
    total: float | None = None
    """Units to do; only in a line of progress."""
    elapsed_seconds: float | None = None
    """The stage's duration; only in the last line of a stage that is done."""
    uses: dict[str, float] = dataclasses.field(default_factory=dict)
    """Seconds of the stage's duration by their use; only in a line that says so."""
    parameter: str = ""
    """The parameter at fault; only in an error."""
    may_pass: bool = True
    """Whether an error may pass, as in `ByheartError`; True for a fault of this program."""
    exception: str = ""
    """The traceback of a fault of this program."""

    @property
    def is_error(self) -> bool:
        """Whether the line ends the run."""
        return self.severity == ERROR

    def failure(self, where: str = "", kind: type[RunFailedError] = RunFailedError) -> RunFailedError:
        """The error of the run that this line ends.

        Args:
            where: an address for further reading, which the message ends with.
        """
        message = f"{self.stage}: {self.message}" + (f": {where}" if where else "")
        return kind(message, parameter=self.parameter, may_pass=self.may_pass, stage=self.stage)


def parse_line(line: str) -> StageLine | None:
    """The stage's line in a line of a log; None where another program printed it.

    Text of other programs may be in front of it, such as Kubeflow's indentation.
    """
    start = line.find("{")
    for _ in range(_MOST_STARTS if len(line) <= _MOST_OF_A_LOGGED_LINE else 0):
        if start < 0:
            break
        try:
            return msgspec.convert(json.loads(line[start:]), StageLine)
        except (ValueError, RecursionError):  # no JSON, or another program's
            start = line.find("{", start + 1)
    return None


def say(message: str, severity: str = "INFO", **fields: Any) -> None:
    """Print one line of the stage's story.

    Args:
        fields: data for programs, which JSON can represent; a terminal does not show them.
    """
    message = clean(message, _LINE_CHARACTERS)
    if _is_read or sys.stdout.isatty():
        _print(f"{_stage} | {'error: ' if severity == ERROR else ''}{message}")
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"message": message, "severity": severity, "stage": _stage, **fields, "time": now}
    line = json.dumps(content, ensure_ascii=False, allow_nan=False)
    _print(line.encode("utf-8", "backslashreplace").decode())  # half a surrogate pair is escaped as in JSON


@contextmanager
def read_by_people() -> Iterator[None]:
    """Print lines as on a terminal while the `with` block lasts: for a command whose output is a page."""
    global _is_read
    before, _is_read = _is_read, True
    try:
        yield
    finally:
        _is_read = before


def _print(line: str) -> None:
    print(f"{line}\n", end="", flush=True)  # in one write, so that the lines of two threads do not mix


@contextmanager
def stage(name: str, *, may_pass: bool = True) -> Iterator[None]:
    """Run the `with` block as the stage `name`; an error in it becomes one line and exit code 1.

    The line of an error that is not meant for the user has the traceback in its field `exception`; on a terminal such
    an error is raised unchanged. In a pod, the error is the termination message too.

    Args:
        may_pass: False if no error of the block can pass in another attempt, because that would read the same.

    Raises:
        SystemExit: the block raised an error.
    """
    global _stage
    _stage = name
    started = time.monotonic()
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        user_error = _translate(error)
        if user_error:
            user_error.stage = name
            write_termination_message(user_error.message, may_pass=may_pass and user_error.may_pass)
            say_error(user_error)
        else:
            first, *_ = clean("".join(traceback.format_exception_only(error))).splitlines()
            write_termination_message(first, may_pass=may_pass)
            if sys.stdout.isatty():
                raise
            say(first, ERROR, exception=clean(traceback.format_exc(), _TRACEBACK_CHARACTERS))
        raise SystemExit(1) from None
    seconds = time.monotonic() - started
    say(f"done in {format_duration(seconds)}", elapsed_seconds=round(seconds, 3))


def say_error(error: ByheartError) -> None:
    """Print the line of an error that ends the run."""
    say(error.message, ERROR, parameter=error.parameter, may_pass=error.may_pass)


def _translate(error: BaseException) -> ByheartError | None:
    """The error as one that is meant for the user; None where it is a fault of this program."""
    if isinstance(error, ByheartError):
        return error
    if isinstance(error, OSError) and error.errno in _FILE_SYSTEM_FAULTS:
        may_pass = os_error_may_pass(error)
        remedy = "run again" if may_pass else "make room or choose another"
        path = error.filename or "a file"
        return ByheartError(f"cannot write or read {path}: {error.strerror}: {remedy}", may_pass=may_pass)
    return None


class Progress:
    """Prints the progress of a long job: done / total, rate and time left.

    It prints about 25 lines at most, however long the job is. `BYHEART_PROGRESS_SECONDS` asks for a line at least that
    often: a launcher sets it that draws the lines over one another on a terminal.

    Args:
        total: units to do.
        unit: their name, in the plural.
        skip: units that were done before the start; they do not count for the rate.
        remark: makes a remark about the rate.
    """

    def __init__(self, total: int, unit: str, *, skip: int = 0, remark: Callable[[float], str] = lambda _: "") -> None:
        self.total, self.unit, self.done = total, unit, skip
        self._skipped, self._remark = skip, remark
        self._lock = threading.Lock()
        self._started = self._said = time.monotonic()
        self._every = float(os.environ.get("BYHEART_PROGRESS_SECONDS", "0"))

    def skip(self, count: int) -> None:
        """Count `count` more units that were done before the start."""
        with self._lock:
            self.done += count
            self._skipped += count

    def add(self, count: int, before: str = "", **fields: Any) -> None:
        """Count `count` more units as done, and print a line when it is time; several threads may call it.

        Args:
            before: the beginning of the line.
            fields: further data for programs.
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
                f"{_format_rate(rate)} {self.unit}/s{self._remark(rate)}, {format_duration(left)} left",
                **numbers,
                **fields,
            )


def _format_rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def format_duration(seconds: float) -> str:
    """Seconds as `9.5 s`, `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_estimate(seconds: float) -> str:
    """Estimated seconds in words: `under a minute`, `about 25 minutes`, `about 2.5 hours`, `about 3 days`."""
    if seconds < 60:
        return "under a minute"
    units = (("minute", 60, 5_400), ("hour", 3_600, 172_800), ("day", 86_400, math.inf))
    unit, length = next((unit, length) for unit, length, most in units if seconds < most)
    count = seconds / length
    shown = round(count) if count >= 10 else round(2 * count) / 2  # an estimate has no more digits
    return f"about {shown:,g} {unit}{'s' * (shown != 1)}"


def format_count(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun, as `1 book` or `2,000 books`; an empty plural is the singular and an s."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def format_size(size_bytes: float) -> str:
    """Bytes as `6.0 MB` or `140.9 GB`."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"
