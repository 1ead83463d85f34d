"""Whole runs and checks in an environment full of settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BOOK, ROOT, launch
from tests.launch.test_environment import SETTINGS

pytestmark = pytest.mark.timeout(300)
SPY = """
import atexit, os, resource, sys
def tell():
    with open(os.environ["SPIED"], "a") as file:
        tokens = [name for name in os.environ if "TOKEN" in name]
        print(sys.argv[-1], tokens, resource.getrlimit(resource.RLIMIT_CORE)[0], file=file)
atexit.register(tell)
"""
"""At its end, for a stage may be a fork."""


def test_run_takes_no_settings_gives_its_token_to_download_alone_and_leaves_no_core(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SPY, encoding="utf-8")
    (tmp_path / "book.txt").write_text(BOOK.read_text(encoding="utf-8")[:2_500], encoding="utf-8")
    around = SETTINGS | {"HF_TOKEN": "hf_own", "SPIED": str(tmp_path / "spied"), "PYTHONPATH": str(tmp_path)}
    done = launch(tmp_path, "cursor_inc=200", "dpi=20", books=str(tmp_path / "book.txt"), environment=around)
    assert done.returncode == 0, done.stderr
    assert "JAX_ENABLE_X64" in done.stdout
    spied = (tmp_path / "spied").read_text(encoding="utf-8").splitlines()
    assert "download ['HF_TOKEN'] 0" in spied
    assert {f"{stage} [] 0" for stage in ("tokenize", "plan", "extract", "plot", "verdict")} <= set(spied)


def test_check_does_not_depend_on_settings_of_jax() -> None:
    command = [sys.executable, "-m", "byheart", "check", "--precision", "float32"]
    around = os.environ | SETTINGS
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "JAX_ENABLE_X64" in done.stdout.splitlines()[0]
    assert "right: this machine scores" in done.stdout
