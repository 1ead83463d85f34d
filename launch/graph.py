"""Runs a compiled pipeline with KFP's local subprocess runner, in a process of its own that `launch.local` watches.

    python -m launch.graph PIPELINE WORK OUT ARGUMENTS

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

from kfp import components, local


def run_graph(pipeline: str, work: str, out: str, arguments: str) -> None:
    """Run the graph on JSON `arguments`, its artifacts below `work`, and leave what its output holds in `out`."""
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=work)
    task = components.load_component_from_file(pipeline)(**json.loads(arguments))
    results = Path(next(iter(task.outputs.values())).path)
    shutil.copytree(results, out, dirs_exist_ok=True)


def _end_with_watcher() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_watcher, daemon=True).start()
    run_graph(*sys.argv[1:])
