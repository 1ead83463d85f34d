"""The table of the books, read as people read it."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from byheart.components.plot.summary import make_summary_table
from byheart.measures.discoverable import THRESHOLDS
from tests.measures import toy
from tests.measures.several import BOOKS, CONTROLS, count_reached, p_z


@pytest.fixture(scope="module")
def table() -> str:
    return make_summary_table(toy.make_run(), [toy.compute_outcome(book) for book in [*BOOKS, *CONTROLS]])


def test_table_has_a_row_for_each_book_with_its_rates(table: str) -> None:
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["book"], row["role"]) for row in rows] == [
        *((book.book.name, "book") for book in BOOKS),
        *((book.book.name, "control") for book in CONTROLS),
    ]
    for row, book in zip(rows, [*BOOKS, *CONTROLS], strict=True):
        assert int(row["characters"]) == len(book.book.text)
        assert int(row["windows"]) == len(book.windows)
        assert row["book_sha256"] == book.book.sha256
        for threshold in THRESHOLDS:
            assert float(row[f"windows_at_{threshold}"]) == pytest.approx(np.mean(p_z(book) >= threshold))
            hits, total = count_reached(book, threshold, "window")
            assert float(row[f"window_coverage_at_{threshold}"]) == pytest.approx(hits / total)
    assert (
        float(rows[0]["windows_at_0.1_low"]) < float(rows[0]["windows_at_0.1"]) < float(rows[0]["windows_at_0.1_high"])
    )
    assert rows[1]["windows_at_0.1_low"] == rows[1]["windows_at_0.1_high"] == "", "one block has no interval"
    assert {row["preset"] for row in rows} == {"none"}


def test_every_rate_has_its_bounds_beside_it(table: str) -> None:
    columns = table.splitlines()[0].split(",")
    rates = ["greedy_windows", *(f"windows_at_{t}" for t in THRESHOLDS)]
    rates += [f"{coverage}_coverage_at_{t}" for coverage in ("suffix", "window") for t in THRESHOLDS]
    for rate in rates:
        place = columns.index(rate)
        assert columns[place : place + 3] == [rate, f"{rate}_low", f"{rate}_high"]
    of_recall = ["bits_per_character", "bits_per_byte", "expected_verbatim_run_mean", "best_log_p_z"]
    assert set(of_recall) <= set(columns)
    assert len(columns) == len(set(columns)) == 9 + 3 * len(rates) + 7 + 12 + 4 + 12


def test_table_opens_in_pandas(table: str) -> None:
    frame = pd.read_csv(io.StringIO(table))
    assert frame.shape[0] == 5
    assert frame["book"].tolist()[1] == "short, “and” so on"
    assert frame["windows_at_0.5"].dtype == np.float64
    assert frame["windows"].dtype == np.int64
    assert frame["longest_passage_characters_at_0.5"].tolist()[1:] == [30, 20, 0, 0]
    assert frame.loc[frame["role"] == "control", "suffix_coverage_at_0.5"].tolist() == [0.0, 0.0]


def test_book_has_its_place_among_the_controls_and_a_control_has_none() -> None:
    control = toy.make_book([0.1, 1e-9, 1e-9, 1e-9], name="unseen", role="control")
    book = toy.compute_outcome(toy.make_book([0.9, 0.48, 1e-9, 1e-20], name="mixed"), toy.make_control(control))
    rows = make_summary_table(toy.make_run(), [book, toy.compute_outcome(control)])
    own, other = csv.DictReader(io.StringIO(rows))
    assert (own["controls"], own["p_all"], own["least_p"], own["windows_compared"]) == ("1", "0.5", "0.5", "4")
    assert float(own["t_log_p_z"]) == float(own["census_log_p_z"]) == pytest.approx(np.log(0.1))
    bands = [own[f"band_{band}"] for band in ("like_unseen", "easy", "above_controls", "extractable")]
    assert bands == ["0.5", "0.0", "0.0", "0.5"]
    assert own["may_say_memorised"] == "False"
    assert (own["windows_at_0.45"], own["windows_at_0.55"]) == ("0.5", "0.25")
    assert (own["suffix_coverage_at_0.45"], own["suffix_coverage_at_0.55"]) == ("0.6", "0.4")
    assert {other[name] for name in own if name.startswith("band_")} == {""} == {other["p_all"], other["controls"]}
