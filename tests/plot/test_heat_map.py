from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from components.contracts.settings import ChartSettings
from components.plot.character_map import CharacterMap, character_map
from components.plot.charts import heat_map

CHART = ChartSettings(coverage="suffix", plot_title="", colormap="Greys", figsize="8x2", dpi=100)


def book(characters: int, known: slice) -> CharacterMap:
    """A book of low values with one known stretch, and its first tenth not measurable."""
    first = characters // 10
    starts, stops = np.array([first, known.start]), np.array([characters, known.stop])
    return character_map(characters, starts, stops, np.log([1e-9, 0.99]))


def draw(path: Path, covered: CharacterMap) -> np.ndarray:
    heat_map.draw(path, {"suffix": covered, "window": covered}, CHART, title="A title", footer="made so")
    return np.asarray(matplotlib.image.imread(path))[..., :3]


def test_column_is_the_largest_of_its_characters() -> None:
    covered = CharacterMap(log_p_z=np.array([np.nan, np.nan, -5.0, -1.0, np.nan, -3.0, -2.0]), window=np.zeros(7, int))
    np.testing.assert_array_equal(heat_map.column_maxima(covered, 3), [np.nan, -1.0, -2.0])
    np.testing.assert_array_equal(heat_map.column_maxima(covered, 100), covered.log_p_z)


@pytest.mark.parametrize("characters", [300, 40_000, 1_000_000])
def test_one_known_line_is_seen_in_a_book_of_any_length(tmp_path: Path, characters: int) -> None:
    line = slice(characters // 2, characters // 2 + 60)
    known = draw(tmp_path / "known.png", book(characters, line))
    unknown = draw(tmp_path / "unknown.png", book(characters, slice(line.start, line.start)))
    rows, columns = np.nonzero((known != unknown).any(axis=-1))
    assert np.ptp(rows) > known.shape[0] // 3, "the line must go through both strips"
    assert 0.4 < columns.mean() / known.shape[1] < 0.6, "the middle of the book is the middle of the picture"
    assert known[rows, columns].min() < 0.05, "what is known is dark"


def test_same_map_is_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw(tmp_path / name, book(1_000, slice(500, 700)))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_dollar_signs_in_a_title_are_dollar_signs(tmp_path: Path) -> None:
    covered = book(1_000, slice(500, 700))
    maps = {"suffix": covered, "window": covered}
    heat_map.draw(tmp_path / "map.png", maps, CHART, title="From $5 to $\\frac", footer="$HOME/$a_{")
    assert (tmp_path / "map.png").stat().st_size > 1_000
