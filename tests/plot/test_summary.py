"""The books of a run taken together, held against naive sums; the table, read as people read it."""

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from byheart.components.plot.summary import summary_table, together
from byheart.contracts.books import Chapter
from byheart.measures.measured import Measured
from byheart.measures.rates import THRESHOLDS
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in range(0, 500, 50))
BOOKS = [
    toy.measured(np.exp(-np.random.default_rng(0).exponential(2, 60)), name="long", chapters=CHAPTERS),
    toy.measured([0.9, 0.6, 0.02, 1e-5], name="short, “and” so on"),
    toy.measured([0.7, 1e-5], p_z_top_k=[0.9, 0.0], name="shorter"),
]
CONTROLS = [
    toy.measured([0.002] + [1e-9] * 19, name="c", role="control"),
    toy.measured([1e-9] * 5, name="d", role="control"),
]


def p_z(book: Measured, scheme: str = "plain") -> np.ndarray:
    return np.exp(book.schemes[scheme].log_p_z)


def reached(book: Measured, threshold: float, coverage: str) -> tuple[int, int]:
    """Characters that reach the threshold, and those that are measurable."""
    first = book.windows.suffix_start if coverage == "suffix" else book.windows.start
    spans = list(zip(first.tolist(), book.windows.stop.tolist(), strict=True))
    held = {c for span, p in zip(spans, p_z(book), strict=True) if p >= threshold for c in range(*span)}
    return len(held), len({c for span in spans for c in range(*span)})


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return together([toy.outcome(book) for book in [*BOOKS, *CONTROLS]])


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_micro_is_one_pool_of_all_windows(found: dict[str, Any], threshold: float) -> None:
    for role, books in (("books", BOOKS), ("controls", CONTROLS)):
        for scheme in ("plain", "top_k"):
            windows = np.concatenate([p_z(book, scheme) for book in books])
            share = found[role][scheme]["micro"][f"windows_at_{threshold}"]["share"]
            assert share == pytest.approx(np.mean(windows >= threshold))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_macro_is_the_mean_of_the_books(found: dict[str, Any], threshold: float) -> None:
    for role, books in (("books", BOOKS), ("controls", CONTROLS)):
        for scheme in ("plain", "top_k"):
            means = [np.mean(p_z(book, scheme) >= threshold) for book in books]
            share = found[role][scheme]["macro"][f"windows_at_{threshold}"]["share"]
            assert share == pytest.approx(np.mean(means))


@pytest.mark.parametrize("coverage", ["suffix", "window"])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_characters_are_taken_together_in_the_same_two_ways(
    found: dict[str, Any], threshold: float, coverage: str
) -> None:
    each = [reached(book, threshold, coverage) for book in BOOKS]
    name = f"{coverage}_coverage_at_{threshold}"
    pooled = sum(hits for hits, _ in each) / sum(total for _, total in each)
    assert found["books"]["plain"]["micro"][name]["share"] == pytest.approx(pooled)
    mean = np.mean([hits / total for hits, total in each])
    assert found["books"]["plain"]["macro"][name]["share"] == pytest.approx(mean)


def test_books_and_controls_are_never_mixed(found: dict[str, Any]) -> None:
    assert (found["books"]["count"], found["controls"]["count"]) == (3, 2)
    assert found["controls"]["plain"]["micro"]["windows_at_0.001"]["share"] == pytest.approx(1 / 25)
    assert found["controls"]["plain"]["macro"]["windows_at_0.001"]["share"] == pytest.approx(1 / 40)


def test_pool_has_an_interval_where_the_books_together_have_the_blocks(found: dict[str, Any]) -> None:
    """Ten chapters and two books of one block; of the mean, two books have none of their own."""
    micro, macro = (found["books"]["plain"][way]["windows_at_0.1"] for way in ("micro", "macro"))
    assert micro["interval"][0] < micro["share"] < micro["interval"][1]
    assert macro["interval"] is None


def test_run_without_controls_says_so() -> None:
    found = together([toy.outcome(book) for book in BOOKS])
    assert found["controls"] is None
    assert together([])["books"] is None


@pytest.fixture(scope="module")
def table() -> str:
    return summary_table(toy.run(), [toy.outcome(book) for book in [*BOOKS, *CONTROLS]])


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
            hits, total = reached(book, threshold, "window")
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
    assert len(columns) == len(set(columns)) == 7 + 3 * len(rates) + 7


def test_table_opens_in_pandas(table: str) -> None:
    frame = pd.read_csv(io.StringIO(table))
    assert frame.shape[0] == 5
    assert frame["book"].tolist()[1] == "short, “and” so on"
    assert frame["windows_at_0.5"].dtype == np.float64
    assert frame["windows"].dtype == np.int64
    assert frame["longest_passage_characters_at_0.5"].tolist()[1:] == [30, 20, 0, 0]
    assert frame.loc[frame["role"] == "control", "suffix_coverage_at_0.5"].tolist() == [0.0, 0.0]
