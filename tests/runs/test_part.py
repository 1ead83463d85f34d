"""A part of the sample, a first look at it, and then the whole, through the command line: each window is scored once."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import BOOK, CONTROL, launch

SETTINGS = ("cursor_inc=50", "dpi=20", "control_sample=5")
ONLY = "3,5-6"
RUNS = {"part": (f"only={ONLY}",), "look": ("windows=40",), "whole": (), "again": (f"only={ONLY}", "windows=30")}
"""One after the other, over one store; the last asks for nothing new but its control sample."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """The results and the story of each."""
    store, found = tmp_path_factory.mktemp("store"), {}
    for name, settings in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        done = launch(folder, *SETTINGS, *settings, controls=(str(CONTROL),), store=str(store))
        assert done.returncode == 0, done.stderr
        found[name] = folder / "out", done.stdout
    return found


def table(results: Path, book: Path = BOOK) -> pd.DataFrame:
    return pd.read_parquet(results / book.stem / "windows.parquet")


def statistics(results: Path, book: Path = BOOK) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results / book.stem / "statistics.json").read_text(encoding="utf-8"))
    return found


def chapters() -> list[tuple[int, int]]:
    """Chapters 3, 5 and 6 by their headings."""
    text = BOOK.read_text(encoding="utf-8")
    starts = [found.start() for found in re.finditer(r"^Chapter \d+", text, re.MULTILINE)]
    assert len(starts) == 10
    return [(starts[number - 1], starts[number]) for number in (3, 5, 6)]


def inside(whole: pd.DataFrame) -> pd.Series:
    """Which windows of the whole book have their suffix in those chapters; 5 and 6 are one stretch."""
    (first, second), (third, _), (_, fourth) = chapters()
    return sum(
        ((whole.suffix_start >= start) & (whole.stop <= stop)).astype(int)
        for start, stop in ((first, second), (third, fourth))
    ).astype(bool)


def test_windows_of_a_part_are_those_of_the_whole(runs: dict[str, tuple[Path, str]]) -> None:
    whole = table(runs["whole"][0])
    assert whole.number.tolist() == list(range(len(whole)))
    for name, expected in (("part", whole[inside(whole)]), ("look", whole.iloc[table(runs["look"][0]).number])):
        part = table(runs[name][0])
        assert part.number.tolist() == expected.number.tolist()
        for column in ("cursor", "start", "suffix_start", "stop", "repetitive"):
            assert part[column].tolist() == expected[column].tolist()
        np.testing.assert_allclose(part.log_p_z, expected.log_p_z, rtol=1e-5, atol=1e-3)
    assert len(table(runs["look"][0])) == 40
    assert np.ptp(np.diff(table(runs["look"][0]).number)) <= 1


def test_each_window_is_scored_once(runs: dict[str, tuple[Path, str]]) -> None:
    """The control is whole in the first run: the second adds to the book alone, and the third the rest."""
    whole, control = table(runs["whole"][0]), table(runs["whole"][0], CONTROL)
    part, look = set(table(runs["part"][0]).number), set(table(runs["look"][0]).number)
    samples = {name: json.loads((runs[name][0] / "provenance.json").read_text())["books"] for name in runs}
    known = set()
    for name in RUNS:
        for book in samples[name].values():
            known.add((name, book["control_sample"]))

    def left(name: str) -> int:
        (said,) = re.findall(r"plan +([\d,]+) of [\d,]+ windows are to be scored", runs[name][1])
        return int(said.replace(",", ""))

    def new_samples(name: str) -> int:
        """Five suffixes for each control sample that no run before has scored."""
        before = {address for run, address in known if list(RUNS).index(run) < list(RUNS).index(name)}
        return 5 * len({address for run, address in known if run == name} - before)

    assert left("part") == len(part) + len(control) + new_samples("part")
    assert left("look") == len(look - part) + new_samples("look")
    assert left("whole") == len(whole) - len(part | look) + new_samples("whole")
    assert left("again") == new_samples("again") == 5
    assert len({samples[name][BOOK.stem]["scores"] for name in RUNS}) == 1, "the address is that of the whole book"


def test_numbers_of_a_part_are_those_of_the_whole_book_s_windows_there(runs: dict[str, tuple[Path, str]]) -> None:
    whole, found = table(runs["whole"][0]), statistics(runs["part"][0])
    rows, asked = whole[inside(whole)], {at for start, stop in chapters() for at in range(start, stop)}
    assert found["windows"]["count"] == len(rows)
    assert found["windows"]["of_book"] == len(whole)
    assert found["characters"]["asked"] == len(asked)
    best: dict[int, float] = {}
    for start, stop, value in zip(rows.suffix_start, rows.stop, rows.log_p_z, strict=True):
        for at in range(start, stop):
            best[at] = max(best.get(at, -np.inf), value)
    assert best.keys() <= asked
    assert found["characters"]["suffix"]["measurable"] == len(best)
    for threshold in ("0.001", "0.5"):
        level = np.log(float(threshold))
        assert found["plain"]["windows_at"][threshold]["share"] == (rows.log_p_z >= level).mean()
        reached = sum(value >= level for value in best.values())
        assert found["plain"]["coverage_at"]["suffix"][threshold]["share_of_measurable"] == reached / len(best)
    assert found["plain"]["windows_at"]["0.5"]["interval"] is None, "three chapters of ten"


def test_control_is_whole_where_a_part_is_asked_for_and_looked_at_where_windows_are_few(
    runs: dict[str, tuple[Path, str]],
) -> None:
    whole = len(table(runs["whole"][0], CONTROL))
    assert len(table(runs["part"][0], CONTROL)) == whole
    assert len(table(runs["look"][0], CONTROL)) == 40 < whole


def test_part_is_told_wherever_numbers_are(runs: dict[str, tuple[Path, str]]) -> None:
    results, printed = runs["part"]
    count, of = len(table(results)), len(table(runs["whole"][0]))
    said = f"only {count:,} of the book's {of:,} windows were measured: those in characters"
    assert printed.count(said) == 2, "as it is plotted, and at the end"
    for name in ("summary.html", "summary.md", "methods.md"):
        text = (results / name).read_text(encoding="utf-8").replace("&#39;", "'")
        assert said[1:] in text, name
    book = json.loads((results / "provenance.json").read_text(encoding="utf-8"))["books"][BOOK.stem]
    (first, second), (third, _), (_, fourth) = chapters()
    assert book["selection"]["characters"] == [{"start": first, "stop": second}, {"start": third, "stop": fourth}]
    assert (book["selection"]["count"], book["selection"]["of"]) == (count, of)
    assert f"chapters {ONLY}" in (results / "methods.md").read_text(encoding="utf-8")
    assert "evenly spread" in runs["look"][1]


def test_control_sample_is_of_the_part_s_suffixes(runs: dict[str, tuple[Path, str]]) -> None:
    sample = pd.read_parquet(runs["part"][0] / BOOK.stem / "control_sample.parquet")
    numbers = table(runs["part"][0]).number.tolist()
    assert sample.suffix_window.tolist() == [numbers[(2 * piece + 1) * len(numbers) // 10] for piece in range(5)]
