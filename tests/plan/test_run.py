"""The stage: what is left to score, and the pods that score it, through the compiled graph."""

import dataclasses
import json
import re
import typing
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes_validate
import numpy as np
import pytest

from byheart.components.plan import words
from byheart.components.plan.component import plan
from byheart.contracts.books import Book, write_books
from byheart.contracts.inputs import Inputs
from byheart.contracts.model import Model, read_model, write_model
from byheart.contracts.only import Span
from byheart.contracts.plan import Plan, PlannedDevices, list_asked_windows, read_plan
from byheart.contracts.selection import select_windows
from byheart.contracts.setting_groups import WindowSettings
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_tokenization, write_windows
from byheart.contracts.windows import Tokenization, Windows
from byheart.launch.compile import compile_pipeline
from byheart.machines import speed
from byheart.machines.cores import Cores
from byheart.scores.kinds import SCORES
from byheart.scores.measurements import find_measurements
from byheart.scores.parts import list_shard_parts
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store
from tests.contracts.test_settings import DEFAULTS
from tests.launch.driver import Driver, read_compiled
from tests.models.known_shapes import CONFIGS
from tests.scores.test_scores import rows_of

WINDOWS = 2_100
"""Three parts."""
PLACES = 10 * np.arange(WINDOWS)
ROWS = Windows(
    cursor=PLACES, start=PLACES, suffix_start=PLACES + 50, stop=PLACES + 100,
    prompt_tokens=np.full(WINDOWS, 50, np.int32), suffix_tokens=np.full(WINDOWS, 50, np.int32),
    flagged=np.zeros(WINDOWS, bool), spill=np.zeros(WINDOWS, np.int32),
    token_ids=np.arange(WINDOWS * 100, dtype=np.int32).reshape(WINDOWS, 100) % 999,
    token_stops=PLACES[:, None] + np.arange(100), dropped_tail=0, dropped_inside=0,
)  # fmt: skip
WHOLE = (Span(start=0, stop=10 * WINDOWS + 100),)
OUTPUTS = typing.get_type_hints(plan.python_func)["return"]


class Run:
    """A run up to its plan, under a model of which there is a config.json."""

    def __init__(
        self,
        folder: Path,
        config: str,
        source: str = "a-model",
        *,
        asked: Sequence[Span] = WHOLE,
        most: int = 0,
        **changes: int,
    ) -> None:
        self.folder = folder
        self.inputs = Inputs.at(folder / "inputs")
        write_books(self.inputs.books, [Book(name="book", source="nowhere", text="a book")])
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text(json.dumps(CONFIGS[config] | changes))
        address = str(folder / "model")
        model = Model(
            source=source, commit=None, address=address, model_type="llama", parameters=1, weights_sha256="w", files={}
        )
        write_model(self.inputs.model, model)
        tokenization = Tokenization(tokenizer_sha256="t", tokenizers="0", bos_id=None, scored_tokens=50)
        write_windows(folder / "windows", tokenization, [("book", ROWS, select_windows(ROWS, asked, most))])

    def plan(self, **settings: object) -> dict[str, Any]:
        """The outputs of the stage by name."""
        Settings.from_parameters({**DEFAULTS, **settings}).write(self.inputs.settings)
        names = ("inputs", "windows", "run_plan")
        artifacts = {name: SimpleNamespace(path=str(self.folder / name)) for name in names}
        found = plan.python_func(store=str(self.folder / "store"), **artifacts)
        return dict(zip(OUTPUTS._fields, found, strict=True))

    def planned(self) -> Plan:
        return read_plan(self.folder / "run_plan")

    def score(self) -> None:
        """Put all parts that were planned into the store."""
        scores = ScoreStore(open_store(str(self.folder / "store")))
        planned = self.planned()
        again = planned.rescoring.addresses if planned.rescoring else {}
        counts = planned.windows | {again[address]: planned.windows[address] for address in again}
        for part in list_shard_parts(counts, SCORES, 1, 1):
            scores.write(part, rows_of(part, 50), Reuse())


@pytest.fixture(autouse=True)
def two_slow_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are for two cores without AVX-512, whatever runs the tests."""
    for module in (speed, words):
        monkeypatch.setattr(module, "find_cores", lambda: Cores(count=2, flops=0.075e12))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path)
    return read_compiled(path)


TPU, SPOT = "google.com/tpu", "cloud.google.com/gke-spot"
CASES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str], list[str]]] = {
    "a small model on a CPU": (
        {"config": "smollm2-135m", "accelerator": "cpu"},
        {"cpu": "2", "memory": "3Gi"},
        {},
        [],
    ),
    "a known model, on spot nodes": (
        {"config": "llama-3.1-70b", "source": "meta-llama/Llama-3.1-70B", "spot": True},
        {"cpu": "64", "memory": "256Gi", TPU: "8"},
        {
            "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
            "cloud.google.com/gke-tpu-topology": "2x4",
            SPOT: "true",
        },
        [TPU, SPOT],
    ),
    "a model without a row": (
        {"config": "llama-3.2-1b"},
        {"cpu": "8", "memory": "32Gi", TPU: "1"},
        {
            "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
            "cloud.google.com/gke-tpu-topology": "1x1",
        },
        [TPU],
    ),
    "GPUs, and memory that is asked for": (
        {"config": "llama-3.1-8b", "accelerator": "gpu-2", "memory": "100Gi"},
        {"cpu": "16", "memory": "100Gi", "nvidia.com/gpu": "2"},
        {"cloud.google.com/gke-accelerator": "nvidia-a100-80gb"},
        ["nvidia.com/gpu"],
    ),
    "all scores there already": (
        {"config": "llama-3.1-8b", "accelerator": "v6e-2x2", "spot": True, "memory": "500Gi", "scored": True},
        {"cpu": "1", "memory": "2Gi"},
        {},
        [],
    ),
}


@pytest.mark.parametrize(("asked", "limits", "labels", "taints"), CASES.values(), ids=CASES)
def test_pod_is_placed_by_the_plan(
    compiled: tuple[dict[str, Any], dict[str, Any]],
    tmp_path: Path,
    asked: dict[str, Any],
    limits: dict[str, str],
    labels: dict[str, str],
    taints: list[str],
) -> None:
    settings = dict(asked)
    scored = settings.pop("scored", False)
    run = Run(tmp_path, settings.pop("config"), settings.pop("source", "a-model"))
    outputs = run.plan(**settings)
    if scored:
        assert outputs["accelerator_type"] == TPU
        run.score()
        outputs = run.plan(**settings)
    pod = Driver(*compiled, "exec-extract", {"plan": outputs}).pod()
    kubernetes_validate.validate(pod, "1.34", strict=True)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"] == limits
    assert pod["spec"]["nodeSelector"] == labels
    assert pod["spec"]["tolerations"] == [
        {"key": taint, "operator": "Exists", "effect": "NoSchedule"} for taint in taints
    ]


def test_logits_above_the_limit_are_refused_before_anything_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 windows of 50 positions, 128,256 logits each, in two bytes; and a checksum."""
    run, window_bytes = Run(tmp_path, "llama-3.1-8b", most=100), 50 * 128_256 * 2 + 4
    with pytest.raises(SystemExit):
        run.plan(accelerator="v6e-2x4", logits="suffix", logits_limit="1GB")
    said = "logits_limit must be at least the 1.3 GB that logits=suffix of 100 windows takes, found 1GB: raise it"
    assert said in capsys.readouterr().out
    assert not (tmp_path / "run_plan").exists()
    assert not list((tmp_path / "store").rglob("*"))
    run.plan(accelerator="v6e-2x4")
    plain = run.planned()
    run.score()
    capsys.readouterr()
    run.plan(accelerator="v6e-2x4", logits="suffix", logits_limit="2GB")
    lines = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    all_bytes = f"{100 * window_bytes / 1e9:.1f} GB"
    assert lines[0].startswith(
        "logits: all 128,256 at 50 positions in float16: 12,825,604 bytes a window, 1.3 GB in all"
    )
    assert f"logits to write: {all_bytes}" in lines
    planned = run.planned()
    assert (planned.missing, planned.windows) == (100, plain.windows), "logits are no part of an address"
    assert planned.registration == plain.registration
    assert planned.devices
    assert plain.devices
    assert planned.devices.batch_size == plain.devices.batch_size
    in_flight = 2 * planned.devices.batch_size // 8 * window_bytes
    assert planned.devices.device_bytes - plain.devices.device_bytes == pytest.approx(in_flight)
    (array,) = (tmp_path / "store").rglob("logits/zarr.json")
    assert json.loads(array.read_text())["shape"] == [WINDOWS, 50, 128_256]


def test_outputs_are_of_the_types_that_the_component_declares(tmp_path: Path) -> None:
    outputs = Run(tmp_path, "smollm2-135m").plan(shards=2)
    assert outputs["Output"] == [1, 2]
    kinds = OUTPUTS.__annotations__
    assert {name: typing.get_origin(kind) or kind for name, kind in kinds.items()} == {
        name: type(value) for name, value in outputs.items()
    }


@pytest.mark.parametrize(
    ("config", "source", "settings", "accelerator", "precision"),
    [
        ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M", {}, "cpu", "float32"),
        ("smollm2-135m", "a-folder", {}, "v5e-1x1", "bfloat16"),
        ("llama-2-13b", "meta-llama/Llama-2-13b-hf", {}, "v6e-1x1", "bfloat16"),
        ("llama-2-13b", "meta-llama/Llama-2-13b-hf", {"precision": "float32"}, "v5e-2x2", "float32"),
        ("llama-3.1-8b", "a-folder", {"accelerator": "gpu-1"}, "gpu-1", "bfloat16"),
        ("llama-3.2-1b", "a-folder", {"accelerator": "cpu"}, "cpu", "float32"),
        ("llama-3.2-1b", "a-folder", {"accelerator": "cpu", "precision": "float16"}, "cpu", "float16"),
    ],
)
def test_accelerator_is_that_of_the_row_where_it_fits_else_the_smallest(
    tmp_path: Path, config: str, source: str, settings: dict[str, Any], accelerator: str, precision: str
) -> None:
    run = Run(tmp_path, config, source)
    run.plan(**settings)
    assert (run.planned().accelerator, run.planned().precision) == (accelerator, precision)


def test_plan_says_what_is_left_on_what_and_in_which_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path, "llama-3.1-70b")
    run.plan(accelerator="v6e-2x4", shards=3, control_sample=30)
    planned = run.planned()
    assert planned.missing == WINDOWS + 30
    assert planned.devices
    assert 20e9 < planned.devices.device_bytes < 32e9
    assert dataclasses.replace(planned.devices, device_bytes=0) == PlannedDevices(
        flavour="tpu", data=8, model=1, gather=True, batch_size=512, device_bytes=0
    )
    assert list(planned.windows.values()) == [WINDOWS, 30]
    line = json.loads(capsys.readouterr().out.splitlines()[0])["message"]
    assert line.startswith(f"{WINDOWS + 30:,} of {WINDOWS + 30:,} windows are to be scored in 3 tasks on v6e-2x4")
    assert "batches of 512; about 2.5 minutes" in line, (
        "2:21 to load and meanwhile compile, 1,024 windows at 355 a second"
    )
    run.score()
    run.plan(accelerator="v6e-2x4", shards=3, control_sample=30)
    assert (run.planned().missing, run.planned().devices) == (0, None)
    assert "all 2,130 windows are scored already: no accelerator is asked for" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "batch_size"),
    [("smollm2-135m", 16), ("llama-3.2-1b", 4), ("llama-3.1-70b", 1)],
)
def test_batch_on_a_cpu_takes_some_ten_seconds_by_the_speed_model(tmp_path: Path, config: str, batch_size: int) -> None:
    run = Run(tmp_path, config)
    for asked, planned in ((0, batch_size), (16, 16)):
        run.plan(accelerator="cpu", batch_size=asked)
        devices = run.planned().devices
        assert devices
        assert devices.batch_size == planned


def test_runs_are_told_apart_and_force_names_what_is_to_be_replaced(tmp_path: Path) -> None:
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    first = run.planned()
    run.score()
    run.plan(accelerator="cpu")
    assert run.planned().run != first.run
    assert (run.planned().forced, run.planned().replaced) == (False, {})
    run.plan(accelerator="cpu", force=True)
    store = open_store(str(tmp_path / "store"))
    assert (run.planned().forced, run.planned().missing) == (True, WINDOWS)
    assert run.planned().replaced == {
        stored.name: stored.version for stored in store.list("scores/") if stored.name.endswith(".parquet")
    }


def format_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the last plan says of the windows that are left."""
    messages = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    return str(next(message for message in reversed(messages) if "are to be scored" in message))


def test_part_has_the_address_of_the_whole_and_only_its_windows_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Windows 1,000 to 1,099 lie in two parts of three; a shard without any of them is left out."""
    for name in ("whole", "part", "spread"):
        (tmp_path / name).mkdir()
    whole = Run(tmp_path / "whole", "smollm2-135m")
    part = Run(tmp_path / "part", "smollm2-135m", asked=[Span(start=10_050, stop=11_090)])
    spread = Run(tmp_path / "spread", "smollm2-135m", most=7)
    whole.plan(accelerator="cpu")
    assert "; cursor_inc=50 would take about" in format_line(capsys)
    outputs = part.plan(accelerator="cpu", shards=3)
    assert outputs["Output"] == [1, 2]
    assert "100 of 100 windows are to be scored in 2 tasks" in format_line(capsys)
    spread.plan(accelerator="cpu")
    assert format_line(capsys).startswith("7 of 7 windows are to be scored on cpu")
    for run in (part, spread):
        assert run.planned().addresses == whole.planned().addresses
        assert run.planned().windows == whole.planned().windows
    (asked,) = list_asked_windows(part.planned().asked).values()
    assert asked.tolist() == list(range(1_000, 1_100))
    assert (part.planned().missing, spread.planned().missing, whole.planned().asked) == (100, 7, {})


def test_damaged_part_that_holds_no_window_asked_for_is_left_alone(tmp_path: Path) -> None:
    run = Run(tmp_path, "smollm2-135m", asked=[Span(start=10_050, stop=11_090)])
    run.plan(accelerator="cpu")
    run.score()
    for path in (tmp_path / "store").rglob("part-*.parquet"):
        path.write_bytes(path.read_bytes()[:-1])
    run.plan(accelerator="cpu")
    assert sorted(name[-13:-8] for name in run.planned().replaced) == ["00000", "00001"]


@pytest.mark.parametrize(
    ("config", "settings", "said"),
    [
        # 14 TFLOP a window at 0.141 TFLOP/s: 58 hours, and a fifth of them
        ("llama-3.1-70b", {"accelerator": "cpu"}, "about 2.5 days on 2 cores; cursor_inc=50 would take about 11 hours"),
        ("smollm2-135m", {"accelerator": "cpu", "cursor_inc": 50}, r"cursor_inc=100 would take about"),
        ("smollm2-135m", {"accelerator": "cpu", "cursor_inc": 100}, r"on 2 cores$"),
        ("smollm2-135m", {"accelerator": "cpu", "windows": 2_000}, r"on 2 cores$"),
        (
            "llama-3.1-70b",
            {"accelerator": "v6e-2x4"},
            r"batches of 512; about 2\.5 minutes; then those within 3 nats of a threshold again in float32, at 128 "
            r"windows/s: about 1 minute if 10% of all are$",
        ),
        ("llama-3.1-70b", {"accelerator": "v6e-2x4", "precision": "bfloat16"}, r"batches of 512; about 2\.5 minutes$"),
    ],
)
def test_plan_says_how_long_it_takes_and_what_a_longer_stride_would_save(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, settings: dict[str, Any], said: str
) -> None:
    Run(tmp_path, config).plan(**settings)
    assert re.search(said, line := format_line(capsys)), line


def test_time_and_saving_are_those_of_the_speed_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: 2 operations for each weight and token, at 0.94 of 0.15 TFLOP/s; attention and the top k add a few."""
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    line = format_line(capsys)
    seconds = WINDOWS * 2 * 134.5e6 * 99 / (0.94 * 0.15e12)
    found = re.search(r"about ([\d.]+) minutes on 2 cores; cursor_inc=50 would take about ([\d.]+) minutes?", line)
    assert found, line
    assert float(found[1]) == pytest.approx(seconds / 60, rel=0.3)
    assert float(found[2]) == pytest.approx(float(found[1]) / 5, abs=0.5)


def test_nothing_is_said_of_a_longer_stride_where_most_is_scored_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A longer stride has windows of its own, none of which is there."""
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    run.score()
    max((tmp_path / "store").rglob("part-*.parquet")).unlink()
    capsys.readouterr()
    run.plan(accelerator="cpu")
    line = format_line(capsys)
    assert line.startswith("52 of 2,100 windows")
    assert "cursor_inc" not in line


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaterSettings(WindowSettings):
    """Those of a later release, which has one more."""

    added: int = 7


def test_setting_of_windows_that_is_added_or_gives_the_same_windows_orphans_no_store(tmp_path: Path) -> None:
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    settings = Settings.from_parameters({**DEFAULTS, "precision": "float32", "bos": "false", "slice_length": 3_000})
    later = dataclasses.replace(settings, window=LaterSettings(**vars(settings.window)))
    found = find_measurements(
        run.inputs.books,
        str(tmp_path / "windows"),
        read_model(run.inputs.model),
        read_tokenization(tmp_path / "windows"),
        later,
    )
    assert [one.address for one in found] == [run.planned().addresses["book"]]


def test_store_of_an_older_release_is_named_and_never_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = tmp_path / "store" / "scores" / ("c" * 32) / "part-00000.parquet"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"of contract 1")
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    assert "the store holds 1 address of an older release, which is not used" in capsys.readouterr().out
    assert run.planned().missing == WINDOWS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"accelerator": "v5e-2x4"}, r"found v5e-2x4: a model of 70,553,706,496 .* smallest slice .* is v6e-2x4"),
        ({"accelerator": "v6e-2x4", "num_devices": 9}, "num_devices must be at most the 8 of v6e-2x4, found 9"),
        ({"accelerator": "v6e-2x4", "mesh_shape": "4x1"}, "multiply to the number of devices, 8, found 4x1"),
        ({"accelerator": "v6e-2x4", "batch_size": 12}, "a multiple of the 8 devices .* found 12: choose 16"),
    ],
)
def test_what_does_not_fit_is_refused_before_an_accelerator_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SystemExit):
        Run(tmp_path, "llama-3.1-70b").plan(**settings)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["severity"], last["stage"]) == ("ERROR", "plan")
    assert re.search(said, last["message"]), last
    assert not (tmp_path / "run_plan").exists()
    assert not (tmp_path / "store").exists()


def test_model_that_no_slice_holds_is_refused_with_what_the_largest_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        Run(tmp_path, "llama-3.1-70b", num_hidden_layers=600).plan()
    message = capsys.readouterr().out
    assert "accelerator must hold the model, found tpu7x-2x2x1: a model of 515," in message
    assert "found 96.0 GB, of which 3% stay free: no slice of one host holds it: choose a smaller model" in message


def test_what_is_measured_is_registered_once_and_before_it_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path, "smollm2-135m")
    run.plan(accelerator="cpu")
    first = run.planned().registration
    assert first
    assert (first.windows, first.scored) == (WINDOWS, 0)
    record = tmp_path / "store" / "registered" / f"{first.digest}.json"
    before = record.read_bytes()
    assert json.loads(before) == dataclasses.asdict(first)
    assert f"registered as {first.digest} at {first.registered}, before any of it was scored" in capsys.readouterr().out
    run.score()
    for unimportant in ({}, {"force": True}, {"batch_size": 8}, {"dpi": 50}):
        run.plan(accelerator="cpu", **unimportant)
        assert run.planned().registration == first
    assert record.read_bytes() == before
    others = []
    for important in ({"windows": 7}, {"top_k": 41}, {"control_sample": 3}, {"unwrap": True}):
        run.plan(accelerator="cpu", **important)
        others.append(run.planned().registration)
    assert len({first.digest, *(other.digest for other in others if other)}) == 5
    assert others[-1]
    assert others[-1].scored == WINDOWS, "the store had these scores by then"
