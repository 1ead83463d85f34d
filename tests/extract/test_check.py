"""The check of a machine, run as a person or a Job runs it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from byheart.components.extract import check
from byheart.contracts.errors import DeviceError
from tests.conftest import ROOT
from tests.extract import numpy_decoder

pytestmark = pytest.mark.slow


def run_check(accelerator: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "byheart.components.extract.check", "--accelerator", accelerator]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_window_is_scored_on_eight_devices_as_on_one() -> None:
    done = run_check("cpu", XLA_FLAGS="--xla_force_host_platform_device_count=8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cpu is there: 8 of cpu" in done.stdout
    assert f"uid {os.getuid()}; RLIMIT_MEMLOCK " in done.stdout
    assert f"log p_z = {check.LOG_P_Z}, as expected" in done.stdout


def test_accelerator_that_is_not_there_ends_the_check() -> None:
    done = run_check("v6e-2x4", JAX_PLATFORMS="")
    assert done.returncode == 1
    assert "accelerator v6e-2x4 must give 8 devices of TPU v6 lite, found 1 of cpu (uid " in done.stdout
    assert "scored" not in done.stdout


def test_expected_number_is_that_of_an_independent_decoder(tmp_path: Path) -> None:
    check.write_model(tmp_path)
    tokens = check.window()
    logits = numpy_decoder.logits(tmp_path, tokens[:-1])
    log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    assert log_probs[np.arange(49, 99), tokens[50:]].sum() == pytest.approx(check.LOG_P_Z, abs=0.001)


def test_machine_that_computes_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = check.window()
    monkeypatch.setattr(check, "window", lambda: np.where(np.arange(len(right)) == 60, 0, right))
    with pytest.raises(DeviceError, match=r"a window must have log p_z = -361.281 .*, found -3\d\d\.\d{3} on cpu"):
        check.check("cpu")
