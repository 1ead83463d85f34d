"""Strips of the report: area is the share, and nothing that is there is left out."""

import re

import numpy as np

from byheart.pages.strips import HEIGHT, draw_strip, make_view_box

_BOX = re.compile(r"M(\d+) (\d+)v(-?\d+)h(\d+)")
_PATH = re.compile(r'<path class="(\w+)" d="([^"]*)"/>')


def read_heights(content: str, columns: int) -> dict[str, list[int]]:
    """The height of each column of each kind, in the order in which they are painted."""
    heights: dict[str, list[int]] = {}
    for name, path in _PATH.findall(content):
        heights[name] = [0] * columns
        for first, base, height, width in _BOX.findall(path):
            assert (int(base) == HEIGHT) == (int(height) < 0)
            for column in range(int(first), int(first) + int(width)):
                heights[name][column] = abs(int(height))
    return heights


def make_mask(*spans: tuple[int, int], characters: int = 400) -> np.ndarray:
    mask = np.zeros(characters, bool)
    for start, stop in spans:
        mask[start:stop] = True
    return mask


def test_area_of_a_column_is_the_share_and_kinds_stand_on_one_another() -> None:
    """Four columns of 100 characters: half of the first deep, half of it pale, a quarter of the second deep."""
    deep, pale, none = make_mask((0, 50), (100, 125)), make_mask((50, 100)), make_mask((350, 400))
    heights = read_heights(draw_strip([("deep", deep), ("pale", pale)], ("none", none), 4), 4)
    assert heights == {"none": [0, 0, 0, 12], "pale": [24, 6, 0, 0], "deep": [12, 6, 0, 0]}
    assert list(heights) == ["none", "pale", "deep"], "the lowest is painted last, over those that stand on it"
    assert make_view_box(400, 4) == "0 0 4 24"


def test_single_character_in_a_long_text_is_seen() -> None:
    one = make_mask((77_777, 77_778), characters=100_000)
    heights = read_heights(draw_strip([("deep", one)], ("none", ~one & False), 600), 600)
    assert sum(heights["deep"]) == 1


def test_text_shorter_than_the_strip_has_a_column_a_character() -> None:
    heights = read_heights(draw_strip([("deep", make_mask((1, 2), characters=3))], ("none", np.zeros(3, bool)), 600), 3)
    assert heights == {"deep": [0, 24, 0]}
    assert make_view_box(3, 600) == "0 0 3 24"
    assert draw_strip([("deep", np.zeros(0, bool))], ("none", np.zeros(0, bool)), 600) == ""
