"""A run on this machine: no cloud, no Docker.

KFP's own log goes to a file; what the stages say goes to the terminal.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from byheart.contracts.books import read_book_names
from byheart.contracts.errors import ByheartError, IncompleteError, RunFailedError, os_error_may_pass
from byheart.contracts.progress import StageLine, parse_line
from byheart.launch.images import commit
from byheart.launch.story import Story

ROOT = Path(__file__).resolve().parent.parent.parent

_ARGUMENTS_CHARACTERS = 100_000
"""Linux hands on at most 128 KB as one argument, and Kubeflow adds to it."""

_LAST_STAGE = "verdict"
_KFP_SUMMARY = "Inner task failed"
_ENDED_FROM_OUTSIDE = "a stage was ended from outside, most likely for want of memory: lower batch_size or dpi; see"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAULT = re.compile(r"^\s*([\w.]+(?:Error|Exception)\b.*)$")


def run_local(pipeline: str | Path, arguments: dict[str, Any], out: str | Path) -> None:
    """Run a compiled pipeline here and leave its results in `out`.

    Raises:
        ByheartError: the arguments are too long, or `out` cannot take a log or a book's folder.
        RunFailedError: a stage failed; the message is the stage's own.
        IncompleteError: it was the last, which finds that a book is not measured.
    """
    given = json.dumps(arguments)
    if len(given) > _ARGUMENTS_CHARACTERS:
        raise ByheartError(
            f"books must be named in at most {_ARGUMENTS_CHARACTERS:,} characters, found {len(given):,} with the other "
            "settings: name a folder that holds them",
            parameter="books",
        )
    out = Path(out)
    log_path = out / "log.txt"
    try:
        out.mkdir(parents=True, exist_ok=True)
        log_path.write_text(f"{given}\n", encoding="utf-8")
        with (
            log_path.open("a", encoding="utf-8") as log,
            tempfile.TemporaryDirectory(prefix="byheart-", ignore_cleanup_errors=True) as work,
        ):
            code, error = _run_graph(str(pipeline), Path(work), out, given, log)
    except OSError as refused:
        raise ByheartError(
            f"out must be a folder that can be written, found {refused.filename or log_path}: {refused.strerror}: make "
            "room or choose another",
            may_pass=os_error_may_pass(refused),
        ) from None
    if error and not error.exception:
        raise error.failure(kind=IncompleteError if error.stage == _LAST_STAGE else RunFailedError)
    if code or error:
        fault = error.message if error else _first_fault(log_path)
        said = f"{fault}: a fault of this program, or of this machine; see" if fault else _ENDED_FROM_OUTSIDE
        raise RunFailedError(f"{said} {log_path}", may_pass=True, stage=error.stage if error else "")


def _run_graph(pipeline: str, work: Path, out: Path, arguments: str, log: Any) -> tuple[int, StageLine | None]:
    """Run the graph in a process of its own; its exit code, and the first error that a stage said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "byheart.launch.graph", pipeline, str(work), str(out), arguments],
        env=_environment(str(work)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        error = _follow(child, log, lambda: _check_room(work, out))
        return child.wait(), error
    finally:
        _end(child)


def _check_room(work: Path, out: Path) -> None:
    """Refuse, as soon as the books have names, what stands in `out` where a result will be."""
    folders = {out / name for texts in work.rglob("book_texts") for name in read_book_names(texts)}
    for place in (*folders, out / "provenance.json"):
        needed, found = ("a folder", "a file") if place in folders else ("a file", "a folder")
        if place.exists() and place.is_dir() != (place in folders):
            raise ByheartError(
                f"out must have room for {needed} {place}, found {found} there: move it or choose another out"
            )


def _environment(work: str) -> dict[str, str]:
    """The stages' environment: they import this checkout, litter only in `work`, and say which commit it is."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": work,  # KFP leaves its own temporary folders behind
    }
    if sys.stdout.isatty():
        environment["BYHEART_PROGRESS_SECONDS"] = "0.5"
    if "BYHEART_COMMIT" not in environment and (known := commit()):
        environment["BYHEART_COMMIT"] = known
    return environment


def _follow(child: subprocess.Popen[str], log: Any, check_room: Callable[[], None]) -> StageLine | None:
    """Copy all lines to the log and the stages' own to the terminal, until the child ends; the first error said."""
    first_error = None
    assert child.stdout
    with Story() as story:
        for line in child.stdout:
            log.write(line)
            said = parse_line(line)
            if not said:
                continue
            if said.is_error:
                first_error = first_error or said
                continue
            if said.elapsed_seconds is not None and said.stage == "download":
                check_room()
            story.show(said)
    return first_error


def _first_fault(log: Path) -> str | None:
    """The last line of the first traceback in a log, if there is one: of what no stage could say."""
    faults = (_FAULT.match(_COLOUR.sub("", line)) for line in log.read_text(encoding="utf-8").splitlines())
    return next((found[1] for found in faults if found and _KFP_SUMMARY not in found[1]), None)


def _end(child: subprocess.Popen[str]) -> None:
    """End the child and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
