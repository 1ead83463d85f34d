"""What a run gets of the caller's environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from byheart.launch.environment import describe_settings, select_variables
from byheart.launch.local_run import _find_cause
from tests.conftest import ROOT

PLACES = {
    "HTTPS_PROXY": "http://proxy:3128",
    "SSL_CERT_FILE": "/certificates.pem",
    "HF_HOME": "/hub",
    "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
    "JAX_COMPILATION_CACHE_DIR": "/programs",
    "MPLCONFIGDIR": "/fonts",
    "PYTHONPATH": "/packages",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
}
SETTINGS = {
    "JAX_DISABLE_JIT": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_PLATFORMS": "cuda",
    "JAX_TRANSFER_GUARD": "disallow",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "NVIDIA_TF32_OVERRIDE": "1",
    "PYTHONOPTIMIZE": "2",
}


def test_settings_are_left_out_and_places_are_passed_on() -> None:
    assert select_variables(PLACES | SETTINGS) == PLACES


def test_what_may_surprise_is_said() -> None:
    assert list(describe_settings({"HOME": "/me", "MPLBACKEND": "agg", "PYTHONOPTIMIZE": "1"})) == []
    assert list(describe_settings({"JAX_PLATFORMS": "cuda"})) == [
        "JAX_PLATFORMS is left out: byheart sets up JAX itself, for accelerator= and precision="
    ]
    assert list(describe_settings(PLACES)) == [
        "XLA_FLAGS can change scores, and the store does not tell: unset what you do not need"
    ]


def test_charts_do_not_depend_on_a_matplotlibrc(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nbackend: nonsense\n", encoding="utf-8")
    code = "import byheart.components.plot.frame, matplotlib; print(matplotlib.rcParams['font.size'])"
    command = [sys.executable, "-c", code]
    around = os.environ | {"MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "10.0"


def test_variable_that_a_library_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "F1127 parse_flags.cc:234] Unknown flag in XLA_FLAGS: --nonsense\n    byheart: extract ended with code 1\n"
    assert "XLA_FLAGS" not in _find_cause(1, log)
    monkeypatch.setenv("XLA_FLAGS", "--nonsense")
    assert _find_cause(1, log) == "extract ended, and its last words are of XLA_FLAGS: unset it, or mend it"


@pytest.mark.parametrize(
    ("code", "log", "said"),
    [
        (1, "    byheart: extract ended with code 137\n", "extract was killed, perhaps for want of memory: lower ba"),
        (1, "    byheart: plot ended with code 137\n", "plot was killed, perhaps for want of memory: lower dpi, and"),
        (1, "    byheart: tokenize ended with code 134\n", "tokenize was ended by signal 6 (Aborted): a fault of"),
        (-9, "", "the run was killed, perhaps for want of memory: free some"),
        (1, "    byheart: plan ended with code 127\n    sh: no such file\n", "plan ended without a word: a fault"),
        (1, "OSError: it is broken\n", "OSError: it is broken: a fault of this program"),
    ],
)  # fmt: skip
def test_memory_is_suspected_of_a_stage_that_was_killed_alone(code: int, log: str, said: str) -> None:
    assert _find_cause(code, log).startswith(said)
    assert ("memory" in _find_cause(code, log)) == ("killed" in said)
