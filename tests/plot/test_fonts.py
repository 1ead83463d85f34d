import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_fonts_that_matplotlib_lists_anew_are_not_spoken_of(tmp_path: Path) -> None:
    code = "import logging; logging.basicConfig(level=logging.INFO)\n"  # as Kubeflow's launcher has it
    code += "import byheart.components.plot.run"
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert list(tmp_path.glob("fontlist-*.json"))
    assert done.stderr == ""
