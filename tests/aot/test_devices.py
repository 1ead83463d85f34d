"""What is said where there is the library that drives TPUs, and no TPU: JAX falls back to the CPU without a word."""

import subprocess
import sys

from tests.conftest import ROOT


def test_what_the_library_says_is_said() -> None:
    command = [sys.executable, "-m", "byheart.components.extract.check", "--accelerator", "v6e-1x1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "found 1 of cpu, since JAX says: Backend 'tpu' failed to initialize: " in done.stdout
    assert "; libtpu is installed): this machine has no such device: " in done.stdout
