"""Several models in one run on this machine."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from byheart.contracts.errors import IncompleteError, ModelError, RunFailedError
from byheart.launch.compiled import compile_in_memory
from byheart.launch.grid import MeasureModel, measure_grid
from byheart.launch.publication import publish
from byheart.launch.run_file import read_run_file
from byheart.measures.results import RUN_FILES, Results
from byheart.pipeline import byheart
from tests.conftest import BOOK, CONTROL, MODEL, ROOT

SETTINGS = ("cursor_inc=200", "windows=16", "dpi=20")
pytestmark = pytest.mark.timeout(300)


def add_noise(folder: Path) -> Path:
    """A copy of the sample's model with noise in its weights: it knows the book less well."""
    shutil.copytree(MODEL, folder)
    random = np.random.default_rng(0)
    for path in folder.glob("*.safetensors"):
        weights = load_file(path)
        save_file(
            {name: (value + random.normal(0, 0.1, value.shape)).astype(value.dtype) for name, value in weights.items()},
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
    shares = [results.books[0].statistics.headline.coverage or 0 for results in (known, noisy)]
    assert shares[0] > shares[1], "noise makes a model forget"
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


def test_run_file_of_several_models_names_all_of_them(grid: Path) -> None:
    out = grid / "out"
    content = yaml.safe_load((out / "run.yaml").read_text(encoding="utf-8"))
    assert [Path(out, model).resolve() for model in content["model"]] == [grid / "none", MODEL, grid / "noisy"]
    assert [Path(out, book).resolve() for book in content["books"]] == [BOOK, CONTROL]
    assert content["settings"]["windows"] == 16
    assert "measured" not in content, "each model's own run.yaml has it"
    assert read_run_file(out / "run.yaml", compile_in_memory(byheart)).values["model"][1] == str(MODEL)


def give_sample(sample_run: Path) -> MeasureModel:
    """Measures with the results of the sample: as those of whichever model is asked for, or of none."""

    def measure(values: dict[str, Any], out: Path) -> Results:
        (model,) = values["model"]
        if model == "org/missing":
            raise ModelError("the Hub must have org/missing, found none: check its name")
        with publish(out, RUN_FILES) as publication:
            for path in [
                path for path in sample_run.rglob("*") if path.suffix in (".json", ".parquet", ".csv", ".txt")
            ]:
                copy = publication.unfinished / path.relative_to(sample_run)
                copy.parent.mkdir(exist_ok=True)
                data = path.read_bytes()
                copy.write_bytes(data.replace(str(MODEL).encode(), model.encode()) if path.suffix == ".json" else data)
        if model == "org/incomplete":
            raise IncompleteError("every book must be measured, found 1 that is not: b is short")
        return Results.open(out)

    return measure


def make_values(*models: str) -> dict[str, Any]:
    return {"books": [str(BOOK)], "controls": [str(CONTROL)], "store": "gs://b/store", "model": list(models)}


def test_second_run_replaces_what_the_first_left_and_nothing_else(sample_run: Path, tmp_path: Path) -> None:
    measure = give_sample(sample_run)
    assert len(measure_grid(make_values("org/a", "org/b", "x/a"), tmp_path, measure)) == 3
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"a", "b", "a-2", "comparison"}
    (tmp_path / "comparison" / "mine.txt").touch()
    with pytest.raises(RunFailedError, match=r"found 1 of 2 that are not \(missing\), while .* the Hub must have"):
        measure_grid(make_values("org/missing", "org/b"), tmp_path, measure)
    assert [path.name for path in (tmp_path / "comparison").iterdir()] == ["mine.txt"], "one model is not compared"
    assert yaml.safe_load((tmp_path / "run.yaml").read_bytes())["model"] == ["org/missing", "org/b"]
    assert (tmp_path / "log.txt").read_text().splitlines()[1] == "b: measured"


def test_model_with_a_book_that_is_not_measured_is_compared_and_fails_the_run(sample_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match=r"found 1 of 2 that are not \(incomplete\).*: b is short; run again"):
        measure_grid(make_values("org/incomplete", "org/b"), tmp_path, give_sample(sample_run))
    assert (tmp_path / "comparison" / "comparison.html").exists()


def test_run_in_which_every_model_fails_leaves_the_earlier_results(sample_run: Path, tmp_path: Path) -> None:
    measure = give_sample(sample_run)
    measure_grid(make_values("org/a", "org/b"), tmp_path, measure)
    before = (tmp_path / "comparison" / "comparison.csv").read_bytes()
    with pytest.raises(RunFailedError, match=r"found 1 of 1 that are not \(missing\): the Hub must have"):
        measure_grid(make_values("org/missing"), tmp_path, measure)
    assert (tmp_path / "comparison" / "comparison.csv").read_bytes() == before
