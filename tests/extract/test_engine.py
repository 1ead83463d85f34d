"""The engine in the layout that was planned."""

import dataclasses
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np
import pytest

from byheart.components.extract import checkpoint
from byheart.components.extract.engine import Engine, Machine
from byheart.contracts.errors import ModelError
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.layout import Layout
from byheart.models.folder import open_model
from tests.conftest import ROOT

CHECKPOINT = Path(__file__).parent / "goldens" / "gqa_untied"
SCORE = ScoreSettings(temperature=1.0, top_k=7, precision="float32")


def engine(batch_size: int = 16) -> Engine:
    layout = Layout(data=1, model=1, gather=False, batch_size=batch_size)
    machine = Machine(devices=jax.devices()[:1])
    return Engine.lay_out(open_model(CHECKPOINT), machine, SCORE, layout, positions=11, scored_tokens=6)


def test_engine_says_what_it_computes_on() -> None:
    assert engine().describe_computation() | {"code": None} == {
        "device": "cpu",
        "devices": 1,
        "layout": "1x1, one device",
        "precision": "float32",
        "batch_size": 16,
        "jax": jax.__version__,
        "code": None,
    }


def test_share_of_the_peak_is_said_only_where_the_peak_is_known() -> None:
    assert engine().describe_utilisation(100.0) == ""


class Tpus(Machine):
    """Devices that call themselves eight chips of v6e."""

    kind = "TPU v6 lite"
    is_cpu = False

    def __init__(self) -> None:
        super().__init__(devices=jax.devices() * 8)


def test_share_of_the_peak_is_of_all_devices_in_bfloat16() -> None:
    found = dataclasses.replace(engine(), machine=Tpus())
    per_second = 0.25 * 8 * 918e12 / found.workload.flops_per_window
    assert found.describe_utilisation(per_second) == ", MFU 25%"


def test_scores_come_for_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    found = engine(batch_size=4)
    scores = found.load().score(np.zeros((4, 12), np.int32))
    assert scores.log_prob.shape == (4, 6)
    assert "weights in float32 on 1 cpu: one device, batches of 4" in capsys.readouterr().out


def test_program_is_compiled_before_its_first_batch(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    score = engine(batch_size=4).load().score
    assert re.search(r"loaded in \S+ s, compiled in \S+ s, side by side in \S+ s", capsys.readouterr().out)
    with jax.log_compiles():
        score(np.zeros((4, 12), np.int32))
        assert "ompil" not in caplog.text
        jax.jit(lambda x: x + 3)(1)
    assert "ompil" in caplog.text


class Uncompiled:
    """A program whose compilation waits, and then fails."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def compile(self, *_: object) -> NoReturn:
        self.may_go_on.wait()
        raise RuntimeError("no such program")


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Uncompiled]:
    program = Uncompiled()
    monkeypatch.setattr("byheart.components.extract.batch_program.compile_scorer", program.compile)
    yield program
    program.may_go_on.set()


def test_error_of_the_compiler_ends_the_loading(uncompiled: Uncompiled, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_for_ever(*arguments: Any) -> NoReturn:
        uncompiled.may_go_on.set()
        while True:
            arguments[-1](1)

    monkeypatch.setattr(checkpoint, "load", load_for_ever)
    with pytest.raises(RuntimeError, match="no such program"):
        engine().load()


def test_error_of_the_loading_does_not_wait_for_the_compiler(uncompiled: Uncompiled, tmp_path: Path) -> None:
    copy = shutil.copytree(CHECKPOINT, tmp_path / "model")
    damaged = dataclasses.replace(engine(), model=open_model(copy))
    (copy / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        damaged.load()
    assert not uncompiled.may_go_on.is_set()


LEAVE = """
import time, jax, jax.numpy as jnp
from byheart.components.extract.compilation import Compilation
def compute(x):
    for turn in range(400):
        x = jnp.sin(x @ x) + jnp.roll(x, turn)
    return x
compilation = Compilation(jax.jit(compute).lower(jax.ShapeDtypeStruct((64, 64), jnp.float32)).compile)
time.sleep(1)
print("leaving", flush=True)
raise SystemExit(1)
"""


def test_process_that_ends_while_the_compiler_is_at_work_does_not_crash() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "leaving\n", "")
