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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from byheart.contracts.books import read_book_names
from byheart.contracts.errors import ByheartError, IncompleteError, RunFailedError, os_error_may_pass
from byheart.contracts.progress import StageLine, parse_line
from byheart.launch.compiled import compiled_here
from byheart.launch.graph import RESULTS
from byheart.launch.images import commit
from byheart.launch.publication import LOG, RUN_FILE, Publication, alone_in
from byheart.launch.record import run_file_text
from byheart.launch.story import Story
from byheart.measures.results import BOOK_FILES, RUN_FILES, Results
from byheart.pipeline import byheart

ROOT = Path(__file__).resolve().parent.parent.parent

_ARGUMENTS_CHARACTERS = 100_000
"""Linux hands on at most 128 KB as one argument, and Kubeflow adds to it."""

_LAST_STAGE = "verdict"
_KFP_SUMMARY = "Inner task failed"
_ENDED_FROM_OUTSIDE = "a stage was ended from outside, most likely for want of memory: lower batch_size or dpi; see"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAULT = re.compile(r"^\s*([\w.]+(?:Error|Exception)\b.*)$")


def run_local(values: Mapping[str, Any], out: str | Path, *, name: str = "") -> Results:
    """Run the pipeline here; its results, which have replaced those of an earlier run in `out`.

    Until the run has ended they are in `out/unfinished`; those of a run that fails stay apart, in `out/failed`.

    Args:
        values: parameters of the pipeline by name; `accelerator` is `cpu` where it is not among them, since what `auto`
            asks for is on a cluster.
        name: what run.yaml calls the run; empty is what its folder is called.

    Raises:
        ByheartError: the values are too long, or `out` is in use, or cannot take the results.
        RunFailedError: a stage failed; the message is the stage's own, and the earlier results are as they were.
        IncompleteError: a book is not measured; the results of the others are there.
    """
    out = Path(out)
    arguments = json.dumps(compiled_here(byheart).arguments({"accelerator": "cpu", **values}))
    if len(arguments) > _ARGUMENTS_CHARACTERS:
        raise ByheartError(
            f"books must be named in at most {_ARGUMENTS_CHARACTERS:,} characters, found {len(arguments):,} with the "
            "other settings: name a folder that holds them",
            parameter="books",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with alone_in(out):
            publication = Publication(out)
            publication.begin(RUN_FILES)
            try:
                incomplete = _run(arguments, publication)
                text = run_file_text(values, Results.open(publication.unfinished), out, name)
                (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
                publication.seal()
            except BaseException:
                publication.set_aside()
                raise
            publication.move_up()
    except OSError as refused:
        raise ByheartError(
            f"out must be a folder that can be written, found {refused.filename or out}: {refused.strerror}: make "
            "room or choose another",
            may_pass=os_error_may_pass(refused),
        ) from None
    if incomplete:
        raise incomplete
    return Results.open(out)


def _run(arguments: str, publication: Publication) -> RunFailedError | None:
    """Run the graph and take its results; an IncompleteError where some of the books are not among them.

    Raises:
        RunFailedError: it failed otherwise.
    """
    log_path = publication.unfinished / LOG
    log_path.write_text(f"{arguments}\n", encoding="utf-8")
    with (
        log_path.open("a", encoding="utf-8") as log,
        tempfile.TemporaryDirectory(prefix="byheart-", ignore_cleanup_errors=True) as work,
    ):
        code, error = _run_graph(Path(work), arguments, log, publication)
        is_incomplete = error is not None and error.stage == _LAST_STAGE and not error.exception
        for results in Path(work).glob(RESULTS):
            publication.take_books(results)
            if is_incomplete or not code:
                publication.take_files(results)
    kept = publication.failed / LOG
    if error and not error.exception:
        if is_incomplete:
            return error.failure(kind=IncompleteError)
        raise error.failure(where=f"the log is {kept}")
    if code or error:
        fault = error.message if error else _first_fault(log_path)
        said = f"{fault}: a fault of this program, or of this machine; see" if fault else _ENDED_FROM_OUTSIDE
        raise RunFailedError(f"{said} {kept}", may_pass=True, stage=error.stage if error else "")
    return None


def _run_graph(work: Path, arguments: str, log: Any, publication: Publication) -> tuple[int, StageLine | None]:
    """Run the graph in a process of its own; its exit code, and the first error that a stage said."""

    def look(said: StageLine) -> None:
        if said.stage == "download" and said.elapsed_seconds is not None:
            names = (name for texts in work.rglob("book_texts") for name in read_book_names(texts))
            publication.check_room(f"{name}/{file}" for name in names for file in BOOK_FILES)
        elif said.stage == "plot":
            for results in work.glob(RESULTS):
                publication.take_books(results)

    with subprocess.Popen(
        [sys.executable, "-m", "byheart.launch.graph", str(work), arguments],
        env=_environment(str(work)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:
        try:
            error = _follow(child, log, look)
            return child.wait(), error
        finally:
            _end(child)


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


def _follow(child: subprocess.Popen[str], log: Any, look: Callable[[StageLine], None]) -> StageLine | None:
    """Copy all lines to the log and the stages' own to the terminal, until the child ends; the first error said.

    Args:
        look: called with each line that a stage says, after which there may be something new.
    """
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
            look(said)
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
