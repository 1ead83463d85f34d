"""Runs the graph with one of KFP's local runners, in a process of its own that `launch.local` watches.

    python -m byheart.launch.graph WORK ARGUMENTS

It ends itself, and every stage it started, when its standard input closes: that is, when whoever watches it is gone,
however it went.
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

from byheart.launch.compiled import Compiled, compiled_here
from byheart.pipeline import byheart

RESULTS = "*/plot/results"
"""Where, below the folder of the artifacts, the results of a run lie."""


def run_graph(compiled: Compiled, work: str, arguments: str, runner: Any = None) -> None:
    """Run a graph on JSON `arguments`, its artifacts below `work`.

    Each stage is tried once: at a desk, a person tries again.

    Args:
        runner: KFP's; None is one that starts the stages as processes.
    """
    if runner is None:
        _name_python(Path(work))
    local.init(runner or local.SubprocessRunner(use_venv=False), pipeline_root=work)
    components.load_component_from_text(compiled.without_retries())(**json.loads(arguments))


def _name_python(work: Path) -> None:
    """Have KFP start this Python as `python3`.

    KFP 2.17 puts the interpreter's path wherever `python3` stands in a command, unquoted: a blank in the path would end
    the run, and a `python3` in the name of a book or a folder would become the path.
    """
    command = work / "bin" / "python3"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join((str(command.parent), os.environ.get("PATH", os.defpath)))
    sys.executable = command.name


def _end_with_watcher() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_watcher, daemon=True).start()
    run_graph(compiled_here(byheart), *sys.argv[1:])
