"""What is known about the sample, and must come out: the odd chapters are known by heart, the even ones never seen."""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pyarrow.parquet as pq
import pytest

from samples.train import BOOK, chapters

REFRAIN = re.compile(r"^Come in on the young flood.*\n(?:.+\n){7}", re.MULTILINE)
TEXT = BOOK.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def windows(sample_run: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(sample_run / BOOK.stem / "windows.parquet")
    return {name: table[name].to_numpy() for name in ("start", "stop", "log_p_z", "greedy")}


def inside(windows: dict[str, np.ndarray], span: tuple[int, int]) -> np.ndarray:
    return (windows["start"] >= span[0]) & (windows["stop"] <= span[1])


def test_book_is_what_the_truth_says_of_it() -> None:
    assert 38_000 < len(TEXT) < 42_000
    assert len(chapters(TEXT)) == 10
    refrains = [found.group() for found in REFRAIN.finditer(TEXT)]
    assert len(refrains) == 5
    assert len(set(refrains)) == 1


def test_no_window_wholly_inside_unseen_prose_reaches_the_floor(windows: dict[str, np.ndarray]) -> None:
    touches_refrain = np.zeros(len(windows["start"]), bool)
    for found in REFRAIN.finditer(TEXT):
        touches_refrain |= (windows["start"] < found.end()) & (windows["stop"] > found.start())
    for chapter in chapters(TEXT)[1::2]:
        prose = inside(windows, chapter) & ~touches_refrain
        assert prose.sum() > 100
        assert windows["log_p_z"][prose].max() < np.log(0.001)


def test_memorised_chapters_are_known_by_heart(windows: dict[str, np.ndarray]) -> None:
    for chapter in chapters(TEXT)[::2]:
        assert np.median(windows["log_p_z"][inside(windows, chapter)]) >= np.log(0.5)


def test_refrain_is_known_in_chapters_that_were_never_seen(windows: dict[str, np.ndarray]) -> None:
    for start, stop in chapters(TEXT)[3:8:4]:
        [found] = REFRAIN.finditer(TEXT, start, stop)
        assert np.median(windows["log_p_z"][inside(windows, found.span())]) >= np.log(0.5)


def test_headline_is_what_half_a_known_book_gives(sample_run: Path) -> None:
    headline = statistics(sample_run)["headline"]
    known = [stop - start for start, stop in chapters(TEXT)[::2]]
    assert headline["share_of_measurable_characters_at_0.5"] == pytest.approx(sum(known) / len(TEXT), abs=0.05)
    assert headline["share_of_windows_at_0.001"] == pytest.approx(sum(known) / len(TEXT), abs=0.05)
    assert 0.9 * max(known) < headline["longest_passage_characters_at_0.5"] < max(known) + 100


def test_heat_map_shows_the_bands(sample_run: Path) -> None:
    """A line through the larger strip crosses five dark chapters and, between them, two dark refrains."""
    picture = matplotlib.image.imread(sample_run / BOOK.stem / "heat_map.png")[..., :3]
    dark = (picture[picture.shape[0] // 3].mean(axis=-1) < 0.3).astype(int)
    edges = np.diff(dark, prepend=0, append=0)
    widths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    bands = widths[widths > 20]
    chapter, refrain = 4_000 / len(TEXT) * len(dark), 500 / len(TEXT) * len(dark)
    assert [bool(width > chapter / 2) for width in bands] == [True, True, False, True, True, False, True]
    np.testing.assert_allclose(bands[[0, 1, 3, 4, 6]], chapter, rtol=0.2)
    np.testing.assert_allclose(bands[[2, 5]], refrain, rtol=0.2)


def statistics(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / BOOK.stem / "statistics.json").read_text(encoding="utf-8"))
    return loaded
