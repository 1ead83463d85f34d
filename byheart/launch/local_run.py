"""Runs the pipeline on this machine, without cloud or Docker.

KFP's own log goes to a file; what the stages say goes to the terminal too.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from byheart.contracts.books import read_book_names
from byheart.contracts.errors import ByheartError, IncompleteError, RunFailedError
from byheart.contracts.inputs import Inputs
from byheart.contracts.progress import StageLine, parse_line
from byheart.launch.compiled import compile_in_memory
from byheart.launch.display import Display
from byheart.launch.environment import COMPILER, TOKENS
from byheart.launch.graph import INPUTS, RESULTS
from byheart.launch.images import find_commit
from byheart.launch.publication import LOG, RUN_FILE, Publication, publish
from byheart.launch.record import render_run_file
from byheart.launch.this_machine import build_environment
from byheart.launch.times import Times
from byheart.launch.work_folder import open_work_folder
from byheart.measures.results import BOOK_FILES, RUN_FILES, Results
from byheart.pipeline import byheart

_ARGUMENTS_CHARACTERS = 100_000
"""Linux takes at most 128 KB as one argument, and Kubeflow adds to it."""

_LAST_STAGE = "verdict"
_KFP_SUMMARY = "Inner task failed"
_ENDED = re.compile(r"^\s*byheart: (\w+) ended with code (\d+)$", re.MULTILINE)
_MEMORY = {"extract": "lower batch_size, and run again", "plot": "lower dpi, and run again"}
"""What takes less memory in these stages."""
_MOST_OF_A_LOG_BYTES = 10_000_000
"""What is read of a log: a library may print without end."""
_SIGNALLED = 128
"""A shell adds it to the number of the signal that ended a command."""
_FAULTY = "a fault of this program, or of this machine"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAULT = re.compile(r"^\s*([\w.]+(?:Error|Exception)\b.*)$")


def run_local(values: Mapping[str, Any], out: str | Path, *, name: str = "") -> Results:
    """Run the pipeline, and return its results, which replace those of an earlier run in `out`.

    Until the run has ended, its results are in `out/unfinished`; if it fails, they are kept in `out/failed`.

    Args:
        values: parameters of the pipeline by name; without `accelerator`, it is `cpu`, since `auto` asks for one of a
            cluster.
        name: the run's name in run.yaml; empty takes the folder's.

    Raises:
        ByheartError: the values are too long, or `out` is in use or cannot hold the results.
        RunFailedError: a stage failed; the message is the stage's own, and earlier results are unchanged.
        IncompleteError: a book is not measured; the results of the others are there.
    """
    out = Path(out)
    arguments = json.dumps(compile_in_memory(byheart).build_arguments({"accelerator": "cpu", **values}))
    if len(arguments) > _ARGUMENTS_CHARACTERS:
        raise ByheartError(
            f"books must be named in at most {_ARGUMENTS_CHARACTERS:,} characters, found {len(arguments):,} with the "
            "other settings: name a folder that holds them",
            parameter="books",
        )
    with publish(out, RUN_FILES) as publication:
        incomplete = _run(arguments, publication)
        text = render_run_file(values, Results.open(publication.unfinished), out, name)
        (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
    if incomplete:
        raise incomplete
    return Results.open(out)


def _run(arguments: str, publication: Publication) -> RunFailedError | None:
    """Run the pipeline and move its results to `publication.unfinished`; return an error if books are missing.

    Raises:
        RunFailedError: the run failed for another reason.
    """
    log_path = publication.unfinished / LOG
    log_path.write_text(f"{arguments}\n", encoding="utf-8")
    with log_path.open("a", encoding="utf-8") as log, open_work_folder() as work:
        code, error = _run_graph(work, arguments, log, publication)
        is_incomplete = error is not None and error.stage == _LAST_STAGE and not error.exception
        for results in work.glob(RESULTS):
            publication.take_books(results)
            if is_incomplete or not code:
                publication.take_files(results)
    failed_log = publication.failed / LOG
    if error and not error.exception:
        if is_incomplete:
            return error.failure(kind=IncompleteError)
        raise error.failure(where=f"the log is {failed_log}")
    if code or error:
        cause = f"{error.message}: {_FAULTY}" if error else _find_cause(code, _read_end(log_path))
        raise RunFailedError(f"{cause}; see {failed_log}", may_pass=True, stage=error.stage if error else "")
    return None


def _run_graph(work: Path, arguments: str, log: Any, publication: Publication) -> tuple[int, StageLine | None]:
    """Run the pipeline in a process of its own; return its exit code and the first error that a stage said."""

    def take_finished_books(said: StageLine) -> None:
        if said.stage == "download" and said.elapsed_seconds is not None:
            names = (name for inputs in work.glob(INPUTS) for name in read_book_names(Inputs.at(inputs).books))
            publication.check_room(f"{name}/{file}" for name in names for file in BOOK_FILES)
        elif said.stage == "plot":
            for results in work.glob(RESULTS):
                publication.take_books(results)

    environment = _build_stages_environment(str(work))
    tokens = {name: environment.pop(name) for name in TOKENS if name in environment}
    with subprocess.Popen(
        [sys.executable, "-m", "byheart.launch.graph", str(work), arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            _tell(child, tokens)
            error = _follow(child, log, take_finished_books)
            return child.wait(), error
        finally:
            _kill(child)


def _tell(child: subprocess.Popen[str], tokens: Mapping[str, str]) -> None:
    """Tell the run's process the tokens, as `launch.graph` reads them; if it has ended, its exit code says why."""
    assert child.stdin
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(f"{json.dumps(tokens)}\n")
        child.stdin.flush()


def _build_stages_environment(work: str) -> dict[str, str]:
    """The stages' environment: they import this checkout, write temporary files to `work`, and know the commit."""
    environment = {
        **build_environment(),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": work,  # KFP leaves its own temporary folders behind
    }
    if sys.stdout.isatty():
        environment["BYHEART_PROGRESS_SECONDS"] = "0.5"
    if "BYHEART_COMMIT" not in environment and (commit := find_commit()):
        environment["BYHEART_COMMIT"] = commit
    return environment


def _follow(child: subprocess.Popen[str], log: Any, react: Callable[[StageLine], None]) -> StageLine | None:
    """Copy all lines to the log, and the stages' own to the terminal, until the child ends; return the first error.

    Args:
        react: called with each line of a stage.
    """
    first_error, times = None, Times()
    assert child.stdout
    with Display() as display:
        for line in child.stdout:
            log.write(line)
            said = parse_line(line)
            if not said:
                continue
            if said.is_error:
                first_error = first_error or said
                continue
            react(said)
            times.add(said)
            display.show(said)
        if first_error is None:
            display.show(StageLine(severity="INFO", stage="run", message=times.describe()))
    return first_error


def _read_end(path: Path) -> str:
    """The text of a log, or its last `_MOST_OF_A_LOG_BYTES`."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _MOST_OF_A_LOG_BYTES, 0))
        return file.read().decode(errors="replace")


def _find_cause(code: int, log: str) -> str:
    """Why a run ended in which no stage reported an error, and what to do.

    Args:
        code: the exit code of the run's process; below 0 is minus the signal that ended it.
        log: what was printed, at least its end.
    """
    ended = _ENDED.search(log)
    stage, number = (ended[1], int(ended[2]) - _SIGNALLED) if ended else ("the run", -code)
    if number == signal.SIGKILL:
        return f"{stage} was killed, perhaps for want of memory: {_MEMORY.get(stage, 'free some, and run again')}"
    if variable := next((name for name in COMPILER if name in log and os.environ.get(name)), ""):
        return f"{stage} ended, and its last words are of {variable}: unset it, or mend it"
    if number > 0:
        description = signal.strsignal(number) or "unknown"
        return f"{stage} was ended by signal {number} ({description}): {_FAULTY}"
    return f"{_find_first_fault(log) or f'{stage} ended without a word'}: {_FAULTY}"


def _find_first_fault(log: str) -> str | None:
    """The last line of the first traceback in a log: an error that no stage reported. None without a traceback."""
    faults = (_FAULT.match(_COLOUR.sub("", line)) for line in log.splitlines())
    return next((fault[1] for fault in faults if fault and _KFP_SUMMARY not in fault[1]), None)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the child and every process that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
