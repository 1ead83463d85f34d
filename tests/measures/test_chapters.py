"""The numbers of chapters, compared with those of the book and with loops."""

import csv
import dataclasses
import io
import math

import numpy as np
import pandas as pd
import pytest

from byheart.components.plot.tables import make_chapters_table, make_windows_table
from byheart.contracts.books import Chapter
from byheart.measures.chapters import ListedChapter, find_chapters
from byheart.measures.discoverable import THRESHOLDS
from tests.measures import toy

CHAPTERS = (Chapter(title="One", start=55), Chapter(title="Two", start=200), Chapter(title="Three", start=640))
P_Z, P_Z_TOP_K = (np.exp(-np.random.default_rng(seed).exponential(scale, 60)) for seed, scale in ((3, 3), (4, 1)))
BOOK = toy.make_book(P_Z, p_z_top_k=P_Z_TOP_K, characters=700, chapters=CHAPTERS)
OUTCOME = toy.compute_outcome(BOOK)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_chapter_has_the_windows_whose_suffix_begins_in_it_and_its_own_characters(number: int) -> None:
    chapter = OUTCOME.chapters[number - 1]
    start, stop = ((55, 200), (200, 640), (640, 700))[number - 1]
    assert (chapter.number, chapter.title, chapter.start, chapter.stop) == (
        number, CHAPTERS[number - 1].title, start, stop,
    )  # fmt: skip
    inside = [w for w in range(60) if start <= BOOK.windows.suffix_start[w] < stop]
    p_z = np.exp(BOOK.scores.log_p_z)
    best = {
        c: max((p_z[w] for w in range(60) if BOOK.windows.suffix_start[w] <= c < BOOK.windows.stop[w]), default=None)
        for c in range(start, stop)
    }
    measured = [value for value in best.values() if value is not None]
    assert (chapter.windows, chapter.measurable) == (len(inside), len(measured))
    for at in THRESHOLDS:
        assert chapter.windows_at[at] == (np.mean(p_z[inside] >= at) if inside else None)
        assert chapter.suffix_coverage_at[at] == (np.mean(np.array(measured) >= at) if measured else None)
    longest = max(
        len(run) for run in "".join("x" if (value or 0) >= 0.5 else " " for value in best.values()).split(" ")
    )
    assert chapter.longest_passage_characters == longest
    if inside:
        assert chapter.best_window
        assert chapter.best_window.row == inside[int(np.argmax(p_z[inside]))]
        assert chapter.recall
        bits = -np.log2(p_z[inside]).sum()
        assert chapter.recall.bits_per_character == pytest.approx(bits / (20 * len(inside)), rel=1e-6)


def cover(table: pd.DataFrame, column: str, first: str, start: int, stop: int) -> np.ndarray:
    """The best p_z of each character that a window covers from `first` on, by loops over the rows of the table."""
    best: dict[int, float] = {}
    for row in table.to_dict("records"):
        for character in range(max(row[first], start), min(row["stop"], stop)):
            best[character] = max(best.get(character, 0.0), math.exp(row[column]))
    return np.array(list(best.values()))


@pytest.mark.parametrize("column", ["log_p_z", "log_p_z_top_k"])
def test_rates_of_each_chapter_come_out_of_windows_parquet(column: str) -> None:
    """Against loops that draw as the definition says: 1 - (1 - p_z)^n >= p."""
    windows = pd.read_parquet(io.BytesIO(make_windows_table(BOOK, OUTCOME.statistics.provenance, with_tokens=True)))
    rows = list(csv.DictReader(io.StringIO(make_chapters_table(OUTCOME.chapters))))
    prefix = "top_k_" if column == "log_p_z_top_k" else ""
    for chapter, row in zip(OUTCOME.chapters[:2], rows[:2], strict=True):
        inside = windows[windows["chapter"] == chapter.number]
        p_z = np.exp(inside[column].to_numpy())
        suffix, window = (
            cover(windows, column, first, chapter.start, chapter.stop) for first in ("suffix_start", "start")
        )
        near = () if prefix else (0.45, 0.55)
        expected = {f"windows_at_{at}": np.mean(p_z >= at) for at in (*THRESHOLDS, *near)}
        expected |= {f"suffix_coverage_at_{at}": np.mean(suffix >= at) for at in (*THRESHOLDS, *near)}
        expected |= {f"window_coverage_at_{at}": np.mean(window >= at) for at in THRESHOLDS}
        expected |= {
            f"extraction_rates_{p}_{n}": np.mean(1 - (1 - p_z) ** n >= p)
            for p in (0.1, 0.5, 0.9, 0.99, 0.999)
            for n in (1, 10, 100, 1000)
        }
        assert {name: float(row[prefix + name]) for name in expected} == pytest.approx(expected)
        rates = chapter.top_k if prefix else chapter
        assert rates.extraction_rates[0.9][100] == float(row[f"{prefix}extraction_rates_0.9_100"])
        assert prefix or chapter.near_half.windows_at[0.45] == float(row["windows_at_0.45"])


def test_chapter_without_windows_has_no_shares() -> None:
    last = OUTCOME.chapters[2]
    assert (last.windows, last.measurable) == (0, 0)
    assert (last.greedy_windows, last.recall, last.best_window) == (None, None, None)
    assert set(last.windows_at.values()) == set(last.window_coverage_at.values()) == {None}
    assert set(last.near_half.windows_at.values()) == set(last.near_half.coverage_at.values()) == {None}
    assert {rate for by_n in last.top_k.extraction_rates.values() for rate in by_n.values()} == {None}


def test_chapters_and_what_comes_before_them_are_the_book() -> None:
    numbers = find_chapters(BOOK.book, BOOK.windows.suffix_start)
    assert numbers.tolist() == [int(start >= 55) + int(start >= 200) for start in BOOK.windows.suffix_start]
    before = int((numbers == 0).sum())
    assert before > 0
    assert before + sum(chapter.windows for chapter in OUTCOME.chapters) == 60
    assert find_chapters(dataclasses.replace(BOOK.book, chapters=()), np.array([0, 9])).tolist() == [0, 0]


def test_columns_are_the_same_with_and_without_windows() -> None:
    for chapter in OUTCOME.chapters:
        assert [name for name, _ in chapter.columns()] == ListedChapter.list_columns()
    row = dict(OUTCOME.chapters[0].columns())
    assert row["windows_at_0.5"] == OUTCOME.chapters[0].windows_at[0.5]
    assert OUTCOME.chapters[0].recall
    assert row["greedy_run_largest"] == OUTCOME.chapters[0].recall.greedy_run.largest
