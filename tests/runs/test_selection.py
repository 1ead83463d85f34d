"""A part of the sample, a first look at it, then the whole: each window is scored once, through the command line."""

import dataclasses
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run that has ended well."""

    out: Path
    printed: str

    def table(self, book: Path = BOOK) -> pd.DataFrame:
        return pd.read_parquet(self.out / book.stem / "windows.parquet")

    def json(self, name: str) -> Any:
        return json.loads((self.out / name).read_text(encoding="utf-8"))

    @property
    def scored(self) -> int:
        """The windows that the plan found missing."""
        (said,) = re.findall(r"plan +([\d,]+) of [\d,]+ windows are to be scored", self.printed)
        return int(said.replace(",", ""))

    @property
    def samples(self) -> set[str]:
        """The addresses of the control samples, of 5 suffixes each."""
        return {book["control_sample"] for book in self.json("provenance.json")["books"].values()}


def run(factory: pytest.TempPathFactory, store: Path, *settings: str) -> Run:
    folder = factory.mktemp("run")
    done = launch(folder, *SETTINGS, *settings, controls=(str(CONTROL),), store=str(store))
    assert done.returncode == 0, done.stderr
    return Run(out=folder / "out", printed=done.stdout)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Run:
    return run(tmp_path_factory, store, f"only={ONLY}")


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory, store: Path, part: Run) -> Run:  # noqa: ARG001  it comes after
    return run(tmp_path_factory, store, "windows=40")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, store: Path, look: Run) -> Run:  # noqa: ARG001
    return run(tmp_path_factory, store)


def chapters() -> list[tuple[int, int]]:
    """Chapters 3, 5 and 6 by their headings."""
    text = BOOK.read_text(encoding="utf-8")
    starts = [found.start() for found in re.finditer(r"^Chapter \d+", text, re.MULTILINE)]
    assert len(starts) == 10
    return [(starts[number - 1], starts[number]) for number in (3, 5, 6)]


def inside(table: pd.DataFrame) -> np.ndarray:
    """Which windows have their suffix in those chapters; the last two are one stretch."""
    (first, second), (third, _), (_, fourth) = chapters()
    found = [(table.suffix_start >= a) & (table.stop <= b) for a, b in ((first, second), (third, fourth))]
    return np.asarray(found[0] | found[1])


def test_part_is_told_wherever_numbers_are(part: Run) -> None:
    count, book = len(part.table()), part.json("provenance.json")["books"][BOOK.stem]
    said = f"only {count:,} of the book's {book['selection']['of']:,} windows were measured: those in characters"
    assert part.printed.count(said) == 2, "as it is plotted, and at the end"
    for name in ("report.html", "summary.md", "methods.md"):
        text = (part.out / name).read_text(encoding="utf-8").replace("&#39;", "'")
        assert said[1:] in text, name
    (first, second), (third, _), (_, fourth) = chapters()
    assert book["selection"]["characters"] == [{"start": first, "stop": second}, {"start": third, "stop": fourth}]
    assert (book["selection"]["count"], part.json("provenance.json")["settings"]["selection"]["only"]) == (count, ONLY)
    assert f"chapters {ONLY}" in (part.out / "methods.md").read_text(encoding="utf-8")


def test_part_costs_its_own_windows_and_the_control_s(part: Run) -> None:
    assert len(part.table(CONTROL)) > 40, "the control is whole"
    assert part.scored == len(part.table()) + len(part.table(CONTROL)) + 5 * 2


def test_control_sample_is_of_the_part_s_suffixes(part: Run) -> None:
    sample = pd.read_parquet(part.out / BOOK.stem / "control_sample.parquet")
    numbers = part.table().number.tolist()
    assert sample.suffix_window.tolist() == [numbers[(2 * piece + 1) * len(numbers) // 10] for piece in range(5)]


def test_first_look_costs_what_the_part_has_not_scored(part: Run, look: Run) -> None:
    numbers = look.table().number
    assert (len(numbers), len(look.table(CONTROL))) == (40, 40)
    assert np.ptp(np.diff(numbers)) <= 1
    assert look.scored == len(set(numbers) - set(part.table().number)) + 5 * len(look.samples - part.samples)
    assert "evenly spread" in (look.out / "summary.md").read_text(encoding="utf-8")


def test_whole_book_costs_the_rest(part: Run, look: Run, whole: Run) -> None:
    scored = {*part.table().number, *look.table().number}
    samples = whole.samples - part.samples - look.samples
    assert whole.scored == len(whole.table()) - len(scored) + 5 * len(samples)
    addresses = {run.json("provenance.json")["books"][BOOK.stem]["scores"] for run in (part, look, whole)}
    assert len(addresses) == 1, "it is that of the whole book"


def test_windows_of_a_part_are_those_of_the_whole(part: Run, look: Run, whole: Run) -> None:
    table = whole.table()
    assert table.number.tolist() == list(range(len(table)))
    for found, expected in ((part.table(), table[inside(table)]), (look.table(), table.iloc[look.table().number])):
        for column in ("number", "cursor", "start", "suffix_start", "stop", "repetitive", "log_p_z", "log_p_z_top_k"):
            assert found[column].tolist() == expected[column].tolist(), "each was scored once"


def test_numbers_of_a_part_are_those_of_the_whole_book_s_windows_there(part: Run, whole: Run) -> None:
    table, found = whole.table(), part.json(f"{BOOK.stem}/statistics.json")
    rows, asked = table[inside(table)], {at for start, stop in chapters() for at in range(start, stop)}
    assert (found["windows"]["count"], found["windows"]["of_book"]) == (len(rows), len(table))
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
    assert found["plain"]["windows_at"]["0.5"]["no_interval"], "three chapters are shorter than two blocks"
