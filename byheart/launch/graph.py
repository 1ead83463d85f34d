"""Runs a compiled pipeline with one of KFP's local runners, in a process of its own that `launch.local` watches.

    python -m byheart.launch.graph PIPELINE WORK OUT ARGUMENTS

It ends itself, and every stage it started, when its standard input closes: that is, when whoever watches it is gone,
however it went.
"""

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from kfp import components, local

from byheart.contracts.errors import ByheartError, os_error_may_pass
from byheart.contracts.progress import say_error
from byheart.launch.compiled import read_compiled


def run_graph(pipeline: str, work: str, out: str, arguments: str, runner: Any = None) -> None:
    """Run the graph on JSON `arguments`, its artifacts below `work`, and leave the results in `out`.

    Each stage is tried once: at a desk, a person tries again.

    Args:
        runner: KFP's; None is one that starts the stages as processes.
    """
    local.init(runner or local.SubprocessRunner(use_venv=False), pipeline_root=work)
    try:
        components.load_component_from_text(read_compiled(pipeline).without_retries())(**json.loads(arguments))
    finally:
        for results in Path(work).rglob("plot/results"):  # there also where a book is missing, and the run has failed
            _publish(results, out)


def _publish(results: Path, out: str) -> None:
    try:
        shutil.copytree(results, out, copy_function=shutil.copyfile, dirs_exist_ok=True)
    except (shutil.Error, OSError) as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        said = f"out must take the results, found: {why}: make room and run again, the scores are kept"
        say_error(ByheartError(said, may_pass=os_error_may_pass(error)))
        sys.exit(1)


def _end_with_watcher() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_watcher, daemon=True).start()
    run_graph(*sys.argv[1:])
