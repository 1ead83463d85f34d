"""The plan through the command line's own function: what the page says, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from byheart.contracts.errors import BookError, ByheartError, ModelError, SettingsError
from byheart.desk.order import Order
from byheart.launch.plan import print_plan
from byheart.launch.request import Request
from tests.conftest import BOOK, CONTROL, MODEL, ROOT
from tests.hub import HubServer
from tests.models.known_shapes import CONFIGS


def plan(model: str, accelerator: str, books: list[str], settings: list[str], order: Path | None = None) -> bool:
    named = [f"accelerator={accelerator}"] if accelerator else []
    return print_plan(Request(model=[model], books=books, settings=[*settings, *named]), order)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that holds a config.json and nothing else."""
    (tmp_path / "llama-3.1-70b").mkdir()
    (tmp_path / "llama-3.1-70b" / "config.json").write_text(json.dumps(CONFIGS["llama-3.1-70b"]))
    return tmp_path / "llama-3.1-70b"


def test_page_says_what_fits_how_fast_and_for_how_much(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(str(folder), "v6e-2x4", [], [])
    page = capsys.readouterr().out
    for phrase in (
        f"{folder} on v6e-2x4\n",
        "80 layers, 70,553,706,496 parameters, 141.1 GB in bfloat16",
        "a book of, say, 500,000 characters: 50,000 windows, one every 10",
        "tokenize     2.0 s on a core of a CPU; 1:49 if the tokenizer's texts cannot be cut\n",
        "8 chips on a host (ct6e-standard-8t), 32.0 GB and 918 TFLOP/s a chip",
        "It fits, with 8.7 GB a device to spare.",
        "8x1 (data x model): weights split over all devices and gathered layer by layer",
        "512 windows, 64 a device",
        "17.64 GB a device: weights at rest",
        "load 2:21 and meanwhile compile 1:00, then score ",
        "again near thresholds: 128 windows/s, 29.99 GB a device; 1:39 more if 10% of all windows are",
        "chip-hours",
        "pod          8 google.com/tpu, 64 CPUs, 256Gi of memory, on a cluster\n",
        "             cloud.google.com/gke-tpu-topology=2x4\n",
        "\n> v6e-2x4           8   22.4 of  32   8x1      gathered     512 ",
        "\n  v6e-2x2           4   35.3 of  32   does not fit\n",
        "of all chips one H100 alone was timed",
    ):
        assert phrase in page
    assert len(page.splitlines()) <= 49
    assert max(map(len, page.splitlines())) <= 110 + len(str(folder))


def test_each_of_several_models_has_a_page_and_one_that_does_not_fit_is_no_success(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not print_plan(Request(model=[str(folder), str(MODEL)], settings=["accelerator=v5e-2x4"]))
    first, _, second = capsys.readouterr().out.partition(f"\n\n{MODEL} on v5e-2x4\n")
    assert first.startswith(f"{folder} on v5e-2x4\n")
    assert "It fits" not in first
    assert "It fits" in second


def test_model_that_does_not_fit_is_no_error_and_no_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not plan(str(folder), "v5e-2x4", [], [])
    page = " ".join(capsys.readouterr().out.split())
    assert "It does not fit: a model of 70,553,706,496 parameters" in page
    assert "the smallest slice that holds it is v6e-2x4. accelerator" in page


def test_no_accelerator_compares_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(str(MODEL), "", [str(BOOK)], ["cursor_inc=100"])
    page = capsys.readouterr().out
    characters = len(BOOK.read_text(encoding="utf-8"))
    assert f"1 book of {characters:,} characters: {-(-characters // 100):,} windows, one every 100" in page
    assert ">" not in page
    assert "It fits" not in page
    assert all(f"  {name} " in page for name in ("v5e-1x1", "v6e-2x4", "tpu7x-2x2x1", "h100-1", "l40s-1", "cpu"))


def test_first_look_is_counted_and_a_part_is_said_not_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(str(MODEL), "", [str(BOOK), str(CONTROL)], ["windows=300", "cursor_inc=100"])
    page = capsys.readouterr().out
    assert f": {300 + -(-len(CONTROL.read_text(encoding='utf-8')) // 100):,} windows, one every 100" in page
    assert "only=" not in page
    assert plan(str(MODEL), "", [], ["only=3,5-7"])
    assert "not counted: what only=3,5-7 saves; whole books are planned for" in capsys.readouterr().out


def test_logits_are_said_and_refused_above_the_limit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model with 128,256 tokens and a novel of 50,000 windows."""
    assert plan(str(folder), "v6e-2x4", [], ["logits=top40"])
    page = capsys.readouterr().out
    assert "  logits       the 40 largest at 50 positions in float16: 12,008 bytes a window, 600.4 MB in all" in page
    assert "logits_limit is 100GB; the time to write them is not in the plan" in page
    with pytest.raises(SettingsError, match=r"at least the 641\.3 GB that logits=suffix of 50,000 windows takes"):
        plan(str(folder), "v6e-2x4", [], ["logits=suffix"])
    assert "12,825,604 bytes a window, 641.3 GB in all" in capsys.readouterr().out


def test_controls_are_planned_for_as_the_books_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_plan(Request(model=[str(MODEL)], books=[str(BOOK)], controls=[str(CONTROL)]))
    characters = sum(len(path.read_text(encoding="utf-8")) for path in (BOOK, CONTROL))
    assert f"2 books of {characters:,} characters" in capsys.readouterr().out


def test_settings_change_the_plan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(
        str(folder),
        "",
        [],
        ["accelerator=v6e-2x4", "mesh_shape=1x8", "batch_size=16", "bos=true", "max_length=100", "spot=true"],
    )
    page = capsys.readouterr().out
    for phrase in (
        "1x8 (data x model): tensor parallel",
        "16 windows, 16 for each row of devices",
        "100 tokens, after a BOS; 99 positions are fed, 49 scored",
        "cloud.google.com/gke-spot=true",
    ):
        assert phrase in page


def test_what_fits_can_be_ordered_from_the_compiler(folder: Path, tmp_path: Path) -> None:
    order = tmp_path / "build" / "order.json"
    assert not plan(str(folder), "v5e-2x4", [], [], order)
    assert not order.exists()
    assert plan(str(folder), "v6e-2x4", [], ["temperature=0.5", "top_k=20"], order)
    written = Order.read(order)
    assert (written.tpu_slice.name, written.temperature, written.top_k) == ("v6e-2x4", 0.5, 20)
    assert (written.layout.data, written.layout.gather, written.layout.batch_size) == (8, True, 512)
    assert written.workload.parameters == 70_553_706_496
    assert written.memory_bytes == pytest.approx(22.36e9, rel=1e-3)


@pytest.mark.parametrize(("accelerator", "said"), [("", "found none"), ("gpu-8", "found gpu-8")])
def test_only_tpus_have_a_compiler_to_ask(accelerator: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"needs a slice of TPUs, {said}"):
        plan(str(MODEL), accelerator, [], [], tmp_path / "order.json")


@pytest.mark.parametrize(
    ("accelerator", "books", "settings", "error", "said"),
    [
        ("v6e-4x4", [], [], SettingsError, "v6e-4x4 with 16 chips on 4: choose v6e-2x4"),
        ("v6e", [], [], SettingsError, "choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("", ["https://example.org/a.txt"], [], BookError, "a plan counts local books and those at gs://"),
        ("", ["no-such-book.txt"], [], BookError, "found no no-such-book.txt: check the path"),
        ("", [], ["prompt_tokens=100"], SettingsError, "prompt_tokens must leave a suffix"),
        ("v6e-2x4", [], ["mesh_shape=3x3"], SettingsError, "found 3x3, which is 9"),
        ("v6e-2x4", [], ["meshshape=1x8"], SettingsError, "did you mean mesh_shape?"),
        ("v6e-2x4", [], ["batch_size=4"], SettingsError, "multiple of the 8 devices"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    accelerator: str, books: list[str], settings: list[str], error: type[ByheartError], said: str
) -> None:
    with pytest.raises(error) as refused:
        plan(str(MODEL), accelerator, books, settings)
    assert said in str(refused.value)


def test_config_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a folder with config\.json, found nothing at .*: check the address"):
        plan(str(tmp_path), "", [], [])
    (tmp_path / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(ModelError, match="found 'abacus'"):
        plan(str(tmp_path), "", [], [])


@pytest.mark.slow
def test_model_on_the_hub_is_planned_from_its_config_and_one_that_is_not_there_refused(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.add_folder("an-organisation/a-model", MODEL)
        places = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "byheart", "plan", "--model"]
        there, not_there = (
            subprocess.run(
                [*command, name], capture_output=True, text=True, cwd=ROOT, env=os.environ | places, check=False
            )
            for name in ("an-organisation/a-model", "an-organisation/none")
        )
    assert there.returncode == 0, there.stderr
    assert "an-organisation/a-model\n" in there.stdout
    assert "1,488,192 parameters" in there.stdout
    assert [*tmp_path.rglob("config.json")]
    assert not [*tmp_path.rglob("*.safetensors")]
    assert not_there.returncode == 1
    assert not_there.stderr.startswith("error: model must be a folder, a name in models.yaml or a repository")
    assert "found of an-organisation/none no such folder and no such repository" in not_there.stderr
