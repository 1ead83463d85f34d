"""What is said where there is no compiler for TPUs; what it says where there is one, tests/aot holds."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MODEL

pytestmark = pytest.mark.slow


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is not None, reason="libtpu is installed")
def test_missing_compiler_is_an_error_of_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "byheart", "plan", "--model", str(MODEL), "accelerator=v5e-1x1", "--compile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: a compilation ahead of time needs libtpu")
    assert done.stderr.count("\n") == 1
