"""Tables of finished results that no run wrote, with a digest that is right."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import read_json, write_json
from byheart.measures.provenance import Provenance
from byheart.measures.results import Results
from tests.launch.test_results import write_results
from tests.measures import toy

NO_SCORE = "a log_p_z that is above 0, or no number"
CHANGES: list[tuple[str, Any, str]] = [
    ("suffix_start", None, "no column suffix_start"),
    ("log_p_z", lambda values: values.astype(np.float32), "log_p_z of another type"),
    (
        "log_p_z",
        lambda values: np.where(values == values.max(), 0.1, values),
        "a log_p_z that is above 0, or no number",
    ),
    ("log_p_z", lambda values: np.full_like(values, np.nan), NO_SCORE),
    ("start", lambda values: values - 1, "a window outside the book's 75 characters"),
    ("stop", lambda values: values + 60, "a window outside the book's 75 characters"),
    ("stop", lambda values: values - 30, "a window that ends before it begins"),
    ("number", lambda values: values[::-1], "windows that are not numbered in order"),
]


@pytest.mark.parametrize(("column", "change", "said"), CHANGES)
def test_table_that_no_run_wrote_is_refused(column: str, change: Any, said: str, tmp_path: Path) -> None:
    write_results(tmp_path, [toy.make_book([0.9, 0.5, 0.1, 1e-9])])
    path = tmp_path / "toy" / "windows.parquet"
    columns, note = parquet.from_bytes(path.read_bytes(), name="windows")
    columns.pop("book")
    values = columns.pop(column)
    path.write_bytes(parquet.to_bytes(columns if change is None else columns | {column: change(values)}, note))
    [book] = Results.open(tmp_path).books
    for read in (book.read_spans, book.read_windows):
        with pytest.raises(DamagedError, match=f"windows.parquet must hold what a run writes, found {said}: run again"):
            read()


def test_book_that_is_longer_than_any_that_is_measured_is_refused(tmp_path: Path) -> None:
    write_results(tmp_path, [toy.make_book([0.9])])
    path = tmp_path / "provenance.json"
    content = read_json(path, dict)
    content["books"]["toy"]["characters"] = 10**15
    write_json(path, content)
    read_json(path, Provenance)
    with pytest.raises(DamagedError, match="at most 100,000,000 characters, found 1,000,000,000,000,000 in toy"):
        Results.open(tmp_path)


def test_statistics_of_another_book_are_refused(tmp_path: Path) -> None:
    write_results(tmp_path, [toy.make_book([0.9]), toy.make_book([0.1], name="other")])
    shutil.copy(tmp_path / "other" / "statistics.json", tmp_path / "toy" / "statistics.json")
    with pytest.raises(DamagedError, match=r"toy/statistics.json must be as it was written, found .*it is of other"):
        Results.open(tmp_path)
