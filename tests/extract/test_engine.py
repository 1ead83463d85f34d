"""The engine in the layout that was planned."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from byheart.components.extract.engine import Engine, Machine
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.layout import Layout
from byheart.models.folder import open_model

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
    scores = found.load()(np.zeros((4, 12), np.int32))
    assert scores.log_prob.shape == (4, 6)
    assert "weights in float32 on 1 cpu: one device, batches of 4" in capsys.readouterr().out
