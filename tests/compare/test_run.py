"""What the stage writes, and what it refuses."""

import json
import math
import resource
import shutil
from pathlib import Path

import pandas as pd
import pytest

from byheart.components.compare.run import FILES, run
from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError, SettingsError, StoreError
from byheart.measures.comparison.comparison import ModelComparison
from byheart.measures.comparison.rows import COLUMNS, Measure


def test_folder_holds_the_files_and_no_others(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(FILES)


def test_equal_results_give_equal_bytes(folder: Path, addresses: list[str], tmp_path: Path) -> None:
    run(results=addresses, out=str(tmp_path), reference=addresses[0])
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_tables_hold_the_same_rows(folder: Path) -> None:
    table, text = pd.read_parquet(folder / "comparison.parquet"), pd.read_csv(folder / "comparison.csv")
    assert [*table.columns] == [*text.columns] == [*COLUMNS]
    pd.testing.assert_frame_equal(table.mask(table == ""), text, check_dtype=False)
    assert set(table.measure) == {str(measure) for measure in Measure}


def test_rows_are_the_numbers_of_the_comparison(folder: Path, comparison: ModelComparison) -> None:
    rows = pd.read_parquet(folder / "comparison.parquet")
    assert not rows.duplicated(["book", "model", "other_model", "measure", "level"]).any()

    def find(model: str, other: str, measure: Measure, level: str) -> pd.Series:
        keys = {"book": "toy", "model": model, "other_model": other, "measure": str(measure), "level": level}
        (found,) = (row for _, row in rows.iterrows() if all(row[key] == value for key, value in keys.items()))
        return found

    text = comparison.texts[0]
    for model in text.measured:
        for level, at in model.at.items():
            assert find(model.model, "", Measure.COVERAGE, level.name).value == at.coverage
    for at_level in text.pairs[0].at:
        row = find("large", "small", Measure.COVERAGE_DIFFERENCE, at_level.level.name)
        assert at_level.coverage
        assert (row.value, row.p, row.blocks) == (at_level.difference, at_level.coverage.p, at_level.coverage.blocks)
        assert math.isnan(row.low)
        assert "fewer than 100" in row.note
        assert find("large", "small", Measure.BOTH, at_level.level.name).value == at_level.overlap.both
    bands = rows[(rows.measure == "band") & (rows.model == "large")]
    assert bands.value.sum() == pytest.approx(1)
    contrast = find("small", "small", Measure.CONTRAST_P_ALL, "")
    assert contrast.value == 1, "the reference against itself"


def test_metadata_have_the_provenance_of_each_model(folder: Path, addresses: list[str]) -> None:
    data = (folder / "comparison.parquet").read_bytes()
    _, note = parquet.from_bytes(data, name="comparison.parquet")
    assert set(note["models"]) == {"small", "large"}
    written = json.loads((Path(addresses[1]) / "provenance.json").read_text(encoding="utf-8"))
    assert note["models"]["large"] == written
    assert set(note["reference"]) == {"small"}


def test_one_result_alone_is_refused(addresses: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"must be of two models at least, found .*small: name more"):
        run(results=addresses[:1], out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_results_named_twice_are_refused(addresses: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"another folder each time, found .*small more than once: name it once"):
        run(results=[*addresses, f"{addresses[0]}/"], out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_older_results_are_refused_by_name(addresses: list[str], tmp_path: Path) -> None:
    shutil.copytree(addresses[0], tmp_path / "older")
    path = tmp_path / "older" / "provenance.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"results_version": ', '"results_version": 9'))
    with pytest.raises(DamagedError, match=r"/older must hold results of version \d+, found version 9\d+: run again"):
        run(results=[addresses[1], str(tmp_path / "older")], out=str(tmp_path / "out"))


def test_folder_that_takes_no_more_is_named(addresses: list[str], tmp_path: Path) -> None:
    """As on a full disk: a file may not grow beyond some bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match=f"cannot write {tmp_path}: File too large: make room"):
            run(results=addresses, out=str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "comparison.html").exists()
