"""Runs the pipeline with one of KFP's local runners, in a process of its own that `launch.local_run` watches.

    python -m byheart.launch.graph WORK ARGUMENTS

The first line of its standard input is a JSON object with the variables of `TOKENS`. They are not in its environment:
stages are forks of it, and a token is download's alone.

When its standard input closes, it kills itself and every stage that it started: the process that watched it has ended,
for whatever reason.
"""

import json
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from kfp import components, local

from byheart.launch.compiled import Compiled, compile_in_memory
from byheart.launch.environment import TOKENS, forbid_cores
from byheart.launch.stages import ARE_FORKS, offer_stages
from byheart.pipeline import byheart

INPUTS, RESULTS = "*/*/download/inputs", "*/*/plot/results"
"""The folders with a run's inputs and with its results, below the folder of its artifacts: RUN/LOOP-ITERATION/TASK."""

_PYTHON = """#!/bin/sh
for stage; do :; done
[ "$stage" = download ] || unset {tokens}
{python} "$@"
code=$?
[ $code -eq 0 ] || echo "byheart: $stage ended with code $code"
exit $code
"""


def run_graph(compiled: Compiled, work: str, arguments: str, runner: Any = None) -> None:
    """Run the pipeline on JSON `arguments`, and keep its artifacts below `work`.

    Each stage is tried once: on their own machine, people try again themselves.

    Args:
        runner: one of KFP's; None starts the stages as `python3`.
    """
    local.init(runner or local.SubprocessRunner(use_venv=False), pipeline_root=work)
    components.load_component_from_text(compiled.dump_for_desk())(**json.loads(arguments))


def _name_python(work: Path) -> None:
    """Make `python3` start this Python, and have KFP use that name.

    The stage is the last argument. Its token is download's alone, and its exit code is printed where it fails.

    KFP 2.17 puts the interpreter's path wherever `python3` stands in a command, unquoted: a blank in the path would
    break the run, and a `python3` in the name of a book or a folder would become the path.
    """
    command = work / "bin" / "python3"
    command.parent.mkdir()
    python = [sys.executable]
    if ARE_FORKS:
        offer_stages(command.parent)
        python += ["-I", "-S", "-X", "utf8", str(Path(__file__).with_name("ask.py")), str(command.parent)]
    command.write_text(_PYTHON.format(python=shlex.join(python), tokens=" ".join(TOKENS)), encoding="utf-8")
    command.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join((str(command.parent), os.environ.get("PATH", os.defpath)))
    sys.executable = command.name


def _end_with_watcher() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    forbid_cores()
    _name_python(Path(sys.argv[1]))  # before there is a second thread, and a token
    os.environ.update(json.loads(sys.stdin.readline() or "{}"))
    threading.Thread(target=_end_with_watcher, daemon=True).start()
    run_graph(compile_in_memory(byheart), *sys.argv[1:])
