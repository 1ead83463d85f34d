"""Several models in one run on this machine, through the command line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from byheart.measures.results import Results
from tests.conftest import BOOK, CONTROL, MODEL, ROOT, parts

SETTINGS = ("cursor_inc=200", "windows=60", "dpi=20")


def add_noise(folder: Path) -> Path:
    """A copy of the sample's model with noise in its weights: it knows the book less well."""
    shutil.copytree(MODEL, folder)
    random = np.random.default_rng(0)
    for path in folder.glob("*.safetensors"):
        weights = load_file(path)
        save_file(
            {
                name: (value + random.normal(0, 0.01, value.shape)).astype(value.dtype)
                for name, value in weights.items()
            },
            path,
            metadata={"format": "pt"},
        )
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "byheart", "run", *words, "--out", str(folder / "out")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two books under two models and one that is none."""
    folder = tmp_path_factory.mktemp("grid")
    noisy = add_noise(folder / "noisy")
    (folder / "none").mkdir()
    models = [word for model in (folder / "none", MODEL, noisy) for word in ("--model", str(model))]
    done = run(folder, str(BOOK), str(CONTROL), *SETTINGS, *models, "--store", str(folder / "store"))
    (folder / "printed.txt").write_text(done.stdout, encoding="utf-8")
    (folder / "errors.txt").write_text(done.stderr, encoding="utf-8")
    (folder / "code.txt").write_text(str(done.returncode), encoding="utf-8")
    return folder


def test_each_model_has_its_results_and_the_comparison_stands_beside_them(grid: Path) -> None:
    out = grid / "out"
    known, noisy = (Results.open(out / name) for name in ("model", "noisy"))
    assert [book.book.name for book in known.books] == [book.book.name for book in noisy.books]
    assert len(known.books) == 2
    best = [results.books[0].statistics.headline.coverage for results in (known, noisy)]
    assert best[0] > best[1], "noise makes a model forget"
    page = (out / "comparison" / "comparison.html").read_text(encoding="utf-8")
    assert BOOK.stem in page
    assert "noisy" in page
    assert (
        f"{out / 'comparison' / 'comparison.html'} sets the models side by side" in (grid / "printed.txt").read_text()
    )


def test_model_that_fails_costs_the_others_nothing_and_fails_the_run(grid: Path) -> None:
    assert (grid / "code.txt").read_text() == "1"
    first, last = (grid / "errors.txt").read_text(encoding="utf-8").splitlines()
    assert first.startswith("none: ")
    assert "config.json" in first
    assert last.startswith("error: every model must be measured, found 1 of 3 that are not (none), while the others'")
    assert not (grid / "out" / "none" / "provenance.json").exists()
    assert "none: " in (grid / "out" / "log.txt").read_text(encoding="utf-8")


def test_run_file_of_several_models_repeats_all_of_it_and_scores_nothing_again(grid: Path) -> None:
    out, scored = grid / "out", parts(grid)
    content = yaml.safe_load((out / "run.yaml").read_text(encoding="utf-8"))
    assert [Path(out, model).resolve() for model in content["model"]] == [grid / "none", MODEL, grid / "noisy"]
    content["model"] = content["model"][1:]
    (out / "repeat.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    before = (out / "comparison" / "comparison.csv").read_bytes()
    done = run(grid, str(out / "repeat.yaml"))
    assert done.returncode == 0, done.stderr
    assert parts(grid) == scored
    assert (out / "comparison" / "comparison.csv").read_bytes() == before
    assert json.loads((out / "noisy" / "summary.json").read_bytes())
    assert yaml.safe_load((out / "run.yaml").read_text(encoding="utf-8"))["model"] == content["model"]
