"""What is said where there is no compiler for TPUs; what it says where there is one, tests/aot holds."""

import dataclasses
import importlib.util
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from byheart.desk.ahead import compile_ahead
from byheart.machines.layout import Layout
from tests.conftest import MODEL
from tests.machines.test_workload import TINY
from tests.models.known_shapes import workload

pytestmark = pytest.mark.slow


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is not None, reason="libtpu is installed")
def test_missing_compiler_is_an_error_of_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "byheart", "plan", "--model", str(MODEL), "accelerator=v5e-1x1", "--compile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: a compilation ahead of time needs libtpu")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("published_bytes", [None, 2])
def test_weights_as_published_are_compiled_as_they_are_held(published_bytes: int | None) -> None:
    """By this machine's compiler, which holds a batch of 4 windows of 4 tokens beside the weights."""
    full = workload(TINY, precision="float32", positions=3, scored_tokens=2)
    asked = dataclasses.replace(full, published_bytes=published_bytes and published_bytes * full.parameters)
    layout = Layout(data=1, model=1, gather=False, batch_size=4)
    compiled = compile_ahead(asked, layout, jax.devices(), temperature=1.0, top_k=2)
    assert compiled.argument_bytes == (published_bytes or 4) * full.parameters + 4 * 4 * 4
