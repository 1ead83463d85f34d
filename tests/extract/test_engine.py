"""How the engine is laid on the devices that there are."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from byheart.components.extract.engine import Engine, Machine
from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import LayoutSettings, ScoreSettings
from byheart.models.folder import open_model

CHECKPOINT = Path(__file__).parent / "goldens" / "gqa_untied"
LAYOUT = LayoutSettings(batch_size=0, shards=1, num_devices=0, mesh_shape="auto")
SCORE = ScoreSettings(temperature=1.0, top_k=7, precision="float32")


def engine(**layout: object) -> Engine:
    settings = dataclasses.replace(LAYOUT, **layout)  # type: ignore[arg-type]
    machine = Machine.find(settings)
    return Engine.lay_out(open_model(CHECKPOINT), machine, SCORE, settings, positions=11, scored_tokens=6)


def test_one_cpu_takes_sixteen_windows_at_once() -> None:
    found = engine()
    assert (found.layout.devices, found.layout.batch_size) == (len(jax.devices()), 16)
    assert found.computed_on() | {"code": None} == {
        "device": "cpu",
        "devices": 1,
        "layout": "1x1, one device",
        "precision": "float32",
        "batch_size": 16,
        "jax": jax.__version__,
        "code": None,
    }


def test_batch_that_is_asked_for_is_taken() -> None:
    assert engine(batch_size=5).layout.batch_size == 5


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"num_devices": 99}, r"num_devices must be at most the 1 that there are \(cpu\), found 99: lower it"),
        ({"mesh_shape": "2x1"}, r"mesh_shape must multiply to the number of devices, 1, found 2x1"),
    ],
)
def test_layout_that_cannot_be_had_is_refused(layout: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        engine(**layout)


def test_share_of_the_peak_is_said_only_where_the_peak_is_known() -> None:
    assert engine().share_of_peak(100.0) == ""


class Tpus(Machine):
    """Devices that call themselves eight chips of v6e."""

    kind = "TPU v6 lite"
    is_cpu = False

    def __init__(self) -> None:
        super().__init__(devices=jax.devices() * 8)


def test_share_of_the_peak_is_of_all_devices_in_bfloat16() -> None:
    found = dataclasses.replace(engine(), machine=Tpus())
    per_second = 0.25 * 8 * 918e12 / found.workload.flops_per_window
    assert found.share_of_peak(per_second) == ", MFU 25%"


def test_scores_come_for_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    found = engine(batch_size=4)
    scores = found.load()(np.zeros((4, 12), np.int32))
    assert scores.log_prob.shape == (4, 6)
    assert "weights in float32 on 1 cpu: one device, batches of 4" in capsys.readouterr().out
