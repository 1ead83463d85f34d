"""The stage that compares a run's models, on what Kubeflow would have kept of them."""

import shutil
from pathlib import Path

import pytest

from byheart.components.compare.models import run
from byheart.contracts.errors import SettingsError
from byheart.measures.artifacts import find_results, name_results
from byheart.store import open_store
from tests.conftest import MODEL

RUN = "byheart/16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f"


def leave_results(root: Path, salt: str, source: str, commit: str, sample_run: Path) -> None:
    """As `plot` of a model leaves them: those of the sample, under another model's name."""
    folder = root / RUN / "plot" / salt / "results"
    shutil.copytree(sample_run, folder, ignore=shutil.ignore_patterns("*.png", "*.svg", "*.html"))
    for path in folder.rglob("*.json"):
        text = (
            path.read_text(encoding="utf-8")
            .replace(str(MODEL), source)
            .replace('"commit": null', f'"commit": "{commit}"')
        )
        path.write_text(text, encoding="utf-8")


def compare(root: Path, tmp_path: Path, *models: str) -> str:
    return run(models=models, out=str(tmp_path / "out"), address=f"{root}/{RUN}/compare/salt/comparison")


def test_results_beside_the_artifact_are_compared_though_a_model_has_none(
    sample_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_results(tmp_path, "s1", "org/small", "c" * 40, sample_run)
    leave_results(tmp_path, "s2", "org/large", "d" * 40, sample_run)
    (tmp_path / RUN / "plot" / "s3" / "results").mkdir(parents=True)
    (tmp_path / RUN / "plot" / "s3" / "results" / "summary.csv").write_text("cut off", encoding="utf-8")
    page = compare(tmp_path, tmp_path, "org/large", "org/small@main", "org/failed")
    assert "2 of 3 models have results" in capsys.readouterr().out
    assert page == (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert "large" in page
    assert "small" in page
    assert "failed" not in page
    assert (tmp_path / "out" / "comparison.parquet").exists()


@pytest.mark.parametrize(
    ("models", "root", "said"),
    [
        (["org/a"], "gs://nowhere", "the run has one model: there is nothing to compare"),
        (["org/a", "org/b"], "minio://mlpipeline/v2", "results at minio://mlpipeline/v2/byheart/16bd3e7e"),
        (["org/a", "org/b"], "", "0 of 2 models have results: there is nothing to compare"),
    ],
)
def test_where_nothing_is_compared_a_line_and_the_page_say_so(
    models: list[str], root: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(models=models, out=str(tmp_path / "out"), address=f"{root or tmp_path}/{RUN}/compare/salt/comparison")
    assert said in capsys.readouterr().out
    assert said in page
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("models", [[], ["org/a", 8.0]])
def test_models_that_are_no_list_of_addresses_fail_the_run(models: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model must be a JSON list of addresses, found \[.*: write \[") as caught:
        run(models=models, out=str(tmp_path / "out"), address=str(tmp_path))
    assert caught.value.parameter == "model"


def write_provenance(root: Path, salt: str, model: str) -> None:
    folder = root / "plot" / salt / "results"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(f'{{"model": {model}}}', encoding="utf-8")


def test_results_are_in_the_order_of_the_models_and_have_names_that_differ(tmp_path: Path) -> None:
    first, second = ('{"source": "org/pythia", "commit": "%s"}' % (letter * 40) for letter in "cd")
    write_provenance(tmp_path, "s1", first)
    write_provenance(tmp_path, "s2", second)
    write_provenance(tmp_path, "s3", '{"source": "gs://b/llama/", "commit": null}')
    found = find_results(open_store(str(tmp_path)), ["gs://b/llama/", "org/pythia@step1", "org/pythia@step2"])
    assert name_results(found) == ["llama", f"pythia-{'c' * 7}", f"pythia-{'d' * 7}"]
    assert [results.folder for results in found] == [f"plot/s{number}/results" for number in (3, 1, 2)]


def test_second_attempt_at_a_model_replaces_the_first(tmp_path: Path) -> None:
    for salt in ("s9", "s1"):
        write_provenance(tmp_path, salt, '{"source": "org/a", "commit": null}')
    (found,) = find_results(open_store(str(tmp_path)))
    assert found.folder == "plot/s1/results"
    assert found.files.keys() == {"provenance.json"}
