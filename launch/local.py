"""A run on this machine: no cloud, no Docker.

KFP's own log goes to a file; what the stages say goes to the terminal.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from components.contracts.errors import ByheartError
from components.contracts.progress import ERROR, LEFT, MARK

ROOT = Path(__file__).resolve().parent.parent
_STAGE_LINE = re.compile(rf"^\s*(\w+){re.escape(MARK)}(.*)$")

_KFP_SUMMARY = "Inner task failed"
_ENDED_FROM_OUTSIDE = "a stage was ended from outside, most likely for want of memory: lower batch_size or dpi; see"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAULT = re.compile(r"^\s*([\w.]+(?:Error|Exception)\b.*)$")


class RunFailedError(ByheartError):
    """A stage ended the run."""


def run_local(pipeline: str | Path, arguments: dict[str, Any], out: str | Path) -> None:
    """Run a compiled pipeline here and leave its results in `out`.

    Raises:
        RunFailedError: a stage failed; the message is the stage's own.
    """
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        log_path = out / "log.txt"
        log = log_path.open("w", encoding="utf-8")
    except OSError as error:
        raise ByheartError(f"out must be a folder that can be written, found {out}: {error.strerror}") from None
    with log, tempfile.TemporaryDirectory(prefix="byheart-", ignore_cleanup_errors=True) as work:
        child = subprocess.Popen(
            [sys.executable, "-m", "launch.graph", str(pipeline), work, str(out), json.dumps(arguments)],
            env=_environment(work),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            stage_error = _follow(child, log)
            code = child.wait()
        finally:
            _end(child)
    if code or stage_error:
        fault = _first_fault(log_path)
        said = f"{fault}: a fault of this program, or of this machine; see" if fault else _ENDED_FROM_OUTSIDE
        raise RunFailedError(stage_error or f"{said} {log_path}")


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
    if "BYHEART_COMMIT" not in environment and (commit := _commit()):
        environment["BYHEART_COMMIT"] = commit
    return environment


def _commit() -> str | None:
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return None
    described = subprocess.run(
        [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None


def _follow(child: subprocess.Popen[str], log: Any) -> str | None:
    """Copy all lines to the log and the stages' own to the terminal, until the child ends; the first error said."""
    first_error = None
    overwritten = ""
    assert child.stdout
    for line in child.stdout:
        log.write(line)
        found = _STAGE_LINE.match(line.rstrip("\n"))
        if not found:
            continue
        stage, text = found.groups()
        if text.startswith(ERROR):
            first_error = first_error or f"{stage}: {text.removeprefix(ERROR)}"
            continue
        shown = f"{stage:>8}  {text}"
        if sys.stdout.isatty() and text.endswith(LEFT):
            print(f"\r{shown:<{len(overwritten)}}", end="", flush=True)
            overwritten = shown
            continue
        print(f"\r{shown:<{len(overwritten)}}" if overwritten else shown, flush=True)
        overwritten = ""
    if overwritten:
        print(flush=True)
    return first_error


def _first_fault(log: Path) -> str | None:
    """The last line of the first traceback in a log, if there is one."""
    faults = (_FAULT.match(_COLOUR.sub("", line)) for line in log.read_text(encoding="utf-8").splitlines())
    return next((found[1] for found in faults if found and _KFP_SUMMARY not in found[1]), None)


def _end(child: subprocess.Popen[str]) -> None:
    """End the child and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
