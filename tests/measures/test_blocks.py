"""Blocks of a book, and the stretches of known text that say how long they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.books import Book, Chapter
from byheart.contracts.only import Span
from byheart.measures.blocks import LEAST_CHARACTERS, Blocks, choose_block_length, cut_blocks, find_stretches
from tests.measures import toy


def make_book(characters: int, *chapters: int) -> Book:
    titled = tuple(Chapter(title=f"Chapter {start}", start=start) for start in chapters)
    return Book(name="b", source="b.txt", text="x" * characters, chapters=titled)


def cut(book: Book, least: int = LEAST_CHARACTERS) -> Blocks:
    return cut_blocks(book, [Span(start=0, stop=len(book.text))], least)


def find(hits: list[int], *, count: int = 600, selected: tuple[tuple[int, int], ...] = ((0, 10_000),)) -> list[int]:
    """The stretches of these windows among `count`, one every 10 characters, each with a suffix of 20."""
    spans = [Span(start=start, stop=stop) for start, stop in selected]
    return find_stretches(np.isin(np.arange(count), hits), toy.make_windows(count), spans).tolist()


def test_suffixes_make_a_stretch_until_a_gap_of_a_thousand_characters() -> None:
    """Windows 0 and 101 leave [40, 1030) between their suffixes; windows 0 and 102 a thousand characters."""
    assert find([]) == []
    assert find([7]) == [20]
    assert find([0, 1, 2]) == [40]
    assert find([0, 101]) == [1_030]
    assert find([0, 102]) == [20, 20]
    assert find([3, 4, 300, 301, 302, 599]) == [30, 40, 20]


def test_stretch_ends_where_the_selected_characters_end() -> None:
    assert find([4, 5, 6, 7], selected=((0, 80), (80, 900))) == [30, 30]


def test_windows_far_apart_make_a_stretch_if_none_was_measured_between_them() -> None:
    """With five windows of a book measured, two neighbours are hits, and the last is."""
    windows = toy.keep_rows(toy.make_windows(1_000), np.array([100, 300, 500, 700, 900]))
    found = find_stretches(np.array([True, True, False, False, True]), windows, [Span(start=0, stop=10_000)])
    assert found.tolist() == [2_020, 20]


@pytest.mark.parametrize(
    ("stretches", "length"),
    [([], 10_000), ([5_000], 10_000), ([5_001], 10_002), ([100] * 50, 10_000), ([10_000, 30_000], 50_000)],
)
def test_block_is_twice_the_mean_stretch_weighted_by_length(stretches: list[int], length: int) -> None:
    """10,000 characters lie in a stretch of 10,000, and 30,000 in one of 30,000: 25,000 on average."""
    assert choose_block_length(np.array(stretches, np.int64)) == length


def test_blocks_are_the_chapters_where_their_median_is_long_enough() -> None:
    starts = range(10_000, 90_000, 10_000)
    book = make_book(95_000, 700, *starts, 94_000)
    blocks = cut(book)
    assert blocks.unit == "chapters"
    assert blocks.starts.tolist() == [0, *starts, 94_000], "the text before the first chapter is in the first block"
    assert blocks.find(np.array([0, 699, 700, 9_999, 10_000, 93_999, 94_000])).tolist() == [0, 0, 0, 0, 1, 8, 9]
    assert cut(book, 10_001).unit == "runs of 10,555 characters"


def test_blocks_are_equal_runs_where_chapters_are_short_or_one() -> None:
    blocks = cut(make_book(50_003, 0, 9_000, 18_000, 27_000, 36_000))
    assert blocks.unit == "runs of 10,000 characters"
    assert blocks.starts.tolist() == [0, 10_000, 20_001, 30_001, 40_002]
    assert cut(make_book(50_000, 0)).unit == "runs of 10,000 characters"


@given(st.integers(1, 200_000), st.integers(10_000, 50_000), st.data())
def test_runs_are_as_many_as_are_long_enough(characters: int, least: int, data: st.DataObject) -> None:
    blocks = cut(make_book(characters), least)
    lengths = np.diff([*blocks.starts.tolist(), characters])
    assert len(blocks) == max(characters // least, 1)
    assert lengths.max() - lengths.min() <= 1
    positions = data.draw(st.lists(st.integers(0, characters - 1), min_size=1, max_size=20))
    naive = [max(b for b, start in enumerate(blocks.starts) if start <= position) for position in positions]
    assert blocks.find(np.array(positions)).tolist() == naive
