"""The check of a machine against numbers that transformers computed, and of what 16 bits change."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.extract import trial
from byheart.components.extract.rounding import (
    ALLOWED,
    count_crossings,
    find_in_band,
    measure_shift,
    measure_shift_by_band,
)
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.errors import BookError, ByheartError, DeviceError, ModelError
from byheart.contracts.setting_groups import ScoreSettings, WindowSettings
from byheart.desk.check import REFERENCE, SAMPLES, check_sample
from byheart.desk.precision import advise, compare_precisions
from byheart.models.weights import WEIGHTS
from tests.conftest import BOOK, MODEL, ROOT
from tests.download.fixtures import hub as hub
from tests.extract import numpy_decoder
from tests.hub import HubServer

pytestmark = pytest.mark.slow

WINDOW = WindowSettings(chunk_size=100, slice_length=2000, cursor_inc=200, max_length=0, prompt_tokens=50, bos="auto")
SCORE = ScoreSettings(temperature=1.0, top_k=40, precision="auto")


@pytest.fixture(autouse=True)
def _no_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once is enough: how fast it is matters to nobody here."""
    monkeypatch.setattr(trial, "_TIMED_SECONDS", 0.0)


def in_precision(precision: str) -> ScoreSettings:
    return dataclasses.replace(SCORE, precision=precision)


def reference(samples: Path = SAMPLES) -> dict[str, np.ndarray]:
    with np.load(samples / REFERENCE) as held:
        return dict(held)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A copy of the model and the reference, to be disturbed."""
    shutil.copytree(SAMPLES / "model", tmp_path / "model")
    shutil.copy(SAMPLES / REFERENCE, tmp_path)
    return tmp_path


def disturb(samples: Path, factor: float) -> None:
    """Multiply the weights of one layer's norm, and have the reference say that it is of these weights."""
    path = samples / "model" / WEIGHTS
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    first, stop = header["model.layers.1.post_attention_layernorm.weight"]["data_offsets"]
    weights = np.frombuffer(data[start + first : start + stop], "<f4") * np.float32(factor)
    data[start + first : start + stop] = weights.tobytes()
    path.write_bytes(data)
    held = reference(samples)
    np.savez(
        samples / REFERENCE,
        token_ids=held["token_ids"],
        token_log_probs=held["token_log_probs"],
        weights_sha256=np.array(hashlib.sha256(data).hexdigest()),
    )


def test_this_machine_scores_the_sample_right(capsys: pytest.CaptureFixture[str]) -> None:
    check_sample(SCORE)
    page = capsys.readouterr().out
    exact = reference()["token_log_probs"].sum(axis=1, dtype=np.float64)
    share = f"{(exact >= np.log(0.001)).mean():.1%}"
    for phrase in (
        f"JAX {jax.__version__}, ",
        f"float32: {len(exact):,} windows of the sample, ",
        " windows/s (one device, batches of 16)",
        " nats a token, ",
        f"p_z ≥ 0.001: {share} of windows, {share} expected",
        "right: this machine scores as transformers does",
    ):
        assert phrase in page
    assert " | loading" in page, "said for people, though this is no terminal"
    assert " of weights in float32 on " in page, "in the form in which a run on a CPU scores"


def test_reference_is_of_the_sample_as_it_is_and_another_implementation_agrees() -> None:
    held = reference()
    text = BOOK.read_text(encoding="utf-8")
    rows = slide(text, load_tokenizer(MODEL).encode, WINDOW, scored_tokens=50)
    whole = rows.cursor <= len(text) - WINDOW.slice_length
    assert rows.token_ids[whole].tolist() == held["token_ids"].tolist()
    assert held["weights_sha256"] == hashlib.sha256((MODEL / WEIGHTS).read_bytes()).hexdigest()
    for row in (0, 60, 150):
        tokens = held["token_ids"][row]
        logits = numpy_decoder.logits(MODEL, tokens[:-1])
        log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        ours = log_probs[np.arange(49, 99), tokens[50:]]
        assert np.abs(ours - held["token_log_probs"][row]).max() < 5e-5


def test_sample_whose_weights_are_others_is_refused(samples: Path) -> None:
    path = samples / "model" / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model.safetensors must have the SHA-256 .*: install byheart anew"):
        check_sample(SCORE, samples)


@pytest.mark.parametrize(
    ("precision", "factor", "said"),
    [
        ("float32", 1.0005, r"found otherwise in float32, [\d.e-]+ nats a token where 1e-04 is promised: use none"),
        (
            "bfloat16",
            1.5,
            r"found otherwise in bfloat16, [\d.e+]+ nats a window where p_z is .*, above [\d.]+: use none",
        ),
    ],
)
def test_machine_that_computes_other_numbers_is_refused(
    samples: Path, capsys: pytest.CaptureFixture[str], precision: str, factor: float, said: str
) -> None:
    """A weight that is another here than where the reference was computed stands for a machine that is wrong."""
    disturb(samples, factor)
    with pytest.raises(DeviceError, match=said):
        check_sample(in_precision(precision), samples)
    assert "right: " not in capsys.readouterr().out


@pytest.mark.parametrize("precision", ALLOWED)
def test_sixteen_bits_stay_within_what_is_allowed_them(precision: str, capsys: pytest.CaptureFixture[str]) -> None:
    check_sample(in_precision(precision))
    assert "p_z from 0.9 to 1.0: at most " in capsys.readouterr().out


def test_what_is_allowed_is_twice_what_the_docs_state() -> None:
    rows = [line.split("|")[1:-1] for line in (ROOT / "docs" / "numbers.md").read_text().splitlines() if "|" in line]
    stated: dict[tuple[str, str], list[float]] = {}
    names = ("", "")
    for row in rows:
        if len(row) == 7 and row[6].strip()[0].isdigit():
            names = (row[0].strip() or names[0], row[1].strip() or names[1])
            stated.setdefault(names, []).append(float(row[6]))
    for precision, allowed in ALLOWED.items():
        assert [2 * nats for nats in stated[precision, precision]] == pytest.approx(list(allowed.values()), rel=0.3), (
            "the table of docs/numbers.md is rounded to a digit"
        )


@pytest.mark.parametrize(
    ("devices", "name"),
    [
        ([("cpu", "cpu")] * 8, "cpu"),
        ([("TPU v6 lite", "tpu")] * 8, "v6e-2x4"),
        ([("TPU v5 lite", "tpu")] * 4, "v5e-2x2"),
        ([("TPU7x", "tpu")] * 2, "tpu7x-1x1x1"),
        ([("NVIDIA H100 80GB HBM3", "gpu", 76.4e9)], "h100-1"),
        ([("NVIDIA H100 80GB HBM3", "gpu", 76.4e9)] * 3, "h100-2"),
        ([("NVIDIA H100 NVL", "gpu", 90.1e9)], "h100-1-100gb"),
        ([("NVIDIA A100-SXM4-40GB", "gpu", 38.1e9)] * 8, "a100-8-42gb"),
        ([("NVIDIA L4", "gpu", 21.2e9)], "l4-1"),
        ([("NVIDIA L40S", "gpu", None)], "l40s-1"),
        ([("NVIDIA GeForce RTX 4090", "gpu", 22.7e9)] * 2, "rtx4090-2"),
        ([("NVIDIA RTX A6000", "gpu", 46.0e9), ("NVIDIA RTX A6000", "gpu", 45.9e9)], "gpu-2-51gb"),
        ([("NVIDIA A10", "gpu", None)], "gpu-1"),
    ],
)
def test_slice_is_told_by_the_devices_that_jax_finds(
    monkeypatch: pytest.MonkeyPatch, devices: list[tuple[str, ...]], name: str
) -> None:
    devices_here = [
        SimpleNamespace(device_kind=kind, platform=platform, memory_stats=lambda limit=limit: {"bytes_limit": limit[0]})
        for kind, platform, *limit in devices
    ]
    monkeypatch.setattr(jax, "devices", lambda: devices_here)
    assert trial.find_own_accelerator().name == name


def test_devices_that_are_no_known_slice_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    devices_here = [SimpleNamespace(device_kind="TPU v6 lite", platform="tpu")] * 3
    monkeypatch.setattr(jax, "devices", lambda: devices_here)
    with pytest.raises(DeviceError, match=r"found 3 of TPU v6 lite \(tpu\): run it on another"):
        trial.find_own_accelerator()


def test_machine_without_the_device_that_jax_is_told_to_use_says_so() -> None:
    code = "from byheart.components.extract.trial import find_own_accelerator; find_own_accelerator()"
    environment = os.environ | {"JAX_PLATFORMS": "tpu"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "DeviceError: JAX must find a device, found none: " in done.stderr


def compare(model: str, store: Path, book: str = "", windows: int = 20) -> None:
    compare_precisions(model, book=book, windows=windows, window=WINDOW, score=SCORE, store=str(store))


def rows_of(page: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    return {name: row for name, *row in cells[1:]}


def test_what_16_bits_change_is_told_of_a_model_and_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(str(MODEL), tmp_path)
    page = capsys.readouterr().out
    rows = rows_of(page)
    assert list(rows) == ["float32", "bfloat16", "float16"]
    assert rows["float32"][:5] == ["0", "0", "0", "0", "0"]
    assert 0 < float(rows["float16"][2]) < float(rows["bfloat16"][2]) < 2
    assert "20 windows of the sample under" in page
    assert "times nearer to float32 than bfloat16 is (median), " in page.splitlines()[-1]


def test_numbers_beyond_float16_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The MLP's inner states are made 60,000 times as large, and its output as much smaller: float32 bears it."""
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    weights = load_file(model / WEIGHTS)
    for name in weights:
        factor = 6e4 if "up_proj" in name else 1 / 6e4 if "down_proj" in name else 1
        weights[name] = (weights[name].astype(np.float32) * np.float32(factor)).astype(np.float32)
    save_file(weights, model / WEIGHTS, {"format": "pt"})
    compare(str(model), tmp_path)
    page = capsys.readouterr().out
    rows = rows_of(page)
    assert float(rows["bfloat16"][2]) < 2
    assert "found infinite ones or NaN in float16" in rows["float16"][0]
    assert page.splitlines()[-1].startswith("float16 does not do for this model: its numbers end at 65,504")


def made_up(log_p_z: list[float], windows_per_second: float) -> trial.Trial:
    return trial.Trial(
        precision="any", token_log_probs=np.zeros((1, 1)), log_p_z=np.array(log_p_z), description="", batch_size=1,
        windows_per_second=windows_per_second,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("float16", "speed", "said"),
    [
        ([-1.1, -2.1], 97.0, "float16 is 4.0 times nearer to float32 than bfloat16 is (median), and as fast: "),
        ([-1.1, -2.1], 80.0, "float16 is 4.0 times nearer to float32 than bfloat16 is (median), at 80% of its speed"),
        ([-1.5, -2.4], 100.0, "float16 is no nearer to float32 than bfloat16 is"),
    ],
)
def test_float16_is_offered_where_it_is_nearer_and_as_fast(float16: list[float], speed: float, said: str) -> None:
    exact, bfloat16 = made_up([-1.0, -2.0], 10.0), made_up([-1.4, -2.4], 100.0)
    assert advise(exact, bfloat16, made_up(float16, speed)).startswith(said)


def test_model_of_the_hub_is_brought_into_the_store(
    tmp_path: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add_repo("org/sample", {path.name: path.read_bytes() for path in MODEL.iterdir()})
    compare("org/sample", tmp_path / "store", windows=4)
    assert list(rows_of(capsys.readouterr().out)) == ["float32", "bfloat16", "float16"]
    assert list((tmp_path / "store" / "models").iterdir())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "must be a text file, found none: check its name"),
        (b"caf\xe9" * 1000, "must be text in UTF-8, found other bytes: convert it"),
        (b"A short one.", "must be long enough for a window, found 12 characters: name a longer one"),
    ],
)
def test_text_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    book = tmp_path / "a.txt"
    if content is not None:
        book.write_bytes(content)
    with pytest.raises(BookError, match=f"a.txt {said}"):
        compare(str(MODEL), tmp_path, str(book))


def test_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ByheartError, match="found no folder or file 'no-such-folder'"):
        compare("no-such-folder", tmp_path)


def test_how_far_windows_move_is_counted_as_by_hand() -> None:
    exact, other = np.array([0.0, -0.6, -6.9, -10.0]), np.array([-0.1, -0.8, -7.1, -9.0])
    all_of_them = measure_shift(exact, other)
    assert all_of_them.windows == 4
    assert all_of_them.largest == pytest.approx(1.0)
    assert all_of_them.median == pytest.approx(0.2)
    assert all_of_them.mean == pytest.approx((1.0 - 0.5) / 4)
    assert count_crossings(exact, other, 0.5) == 1  # log 0.5 = -0.693
    assert count_crossings(exact, other, 0.001) == 1  # log 0.001 = -6.908
    assert [band.windows for _, band in measure_shift_by_band(exact, other)] == [1, 2, 1]
    assert find_in_band(np.array([0.0]), 0.9, 1.0).all(), "p_z = 1 is known by heart"
