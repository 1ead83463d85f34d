from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.books import Refused, read_refused
from byheart.contracts.only import Span
from byheart.contracts.selection import Selection, choose_control_sample, select_windows
from byheart.contracts.window_files import has_windows, read_selection, read_tokenization, read_windows, write_windows
from byheart.contracts.windows import Tokenization, Windows
from tests.measures import toy


def overlap(windows: Windows, one: int, other: int) -> bool:
    shared = set(range(windows.start[one], windows.stop[one])) & set(range(windows.start[other], windows.stop[other]))
    return bool(shared)


@given(windows=st.integers(0, 60), count=st.integers(0, 70), stride=st.integers(1, 50))
def test_pairs_of_a_control_sample_never_overlap(windows: int, count: int, stride: int) -> None:
    rows = toy.make_windows(windows, stride=stride)
    sample = choose_control_sample(rows, count)
    assert len(sample) <= min(count, windows)
    assert len(set(sample.suffix_window.tolist())) == len(sample), "each suffix once"
    for one, other in zip(sample.suffix_window, sample.prompt_window, strict=True):
        assert 0 <= one < windows
        assert 0 <= other < windows
        assert not overlap(rows, one, other)


@given(windows=st.integers(20, 500), count=st.integers(1, 600), stride=st.integers(1, 50))
def test_only_pairs_that_overlap_are_left_out(windows: int, count: int, stride: int) -> None:
    rows, chosen = toy.make_windows(windows, stride=stride), min(count, windows)
    kept = set(choose_control_sample(rows, count).suffix_window.tolist())
    half = windows // 2
    # The middle of each of `chosen` equal pieces; each is paired with the window half of all windows away.
    middles = [(2 * number + 1) * windows // (2 * chosen) for number in range(chosen)]
    assert kept == {one for one in middles if not overlap(rows, one, (one + half) % windows)}


@pytest.mark.parametrize(("windows", "count"), [(1_000, 10), (1_001, 7), (4_025, 200), (50, 50), (2_000, 1_999)])
def test_suffixes_of_a_control_sample_are_spread_evenly(windows: int, count: int) -> None:
    rows = toy.make_windows(windows, stride=40)
    chosen = choose_control_sample(rows, count).suffix_window
    assert len(chosen) == count
    steps = np.diff(chosen)
    assert steps.max() - steps.min() <= 1
    ends = chosen[0] + 0.5, windows - chosen[-1] - 0.5
    np.testing.assert_allclose(ends, windows / count / 2, atol=1)


def test_book_of_few_windows_has_none_either() -> None:
    """Windows of 40 characters, 10 apart, are clear of the fourth after them; of 7, 4 to 6 are of 0 to 2."""
    lengths = [len(choose_control_sample(toy.make_windows(windows), 100)) for windows in (1, 2, 6, 7, 8, 9)]
    assert lengths == [0, 0, 0, 3, 8, 9]


def test_windows_are_read_back_as_they_were_written() -> None:
    rows = toy.make_windows(5)
    read = Windows.from_bytes(rows.to_bytes(), name="windows")
    for name, values in rows.columns().items():
        np.testing.assert_array_equal(read.columns()[name], values)
    assert (read.dropped_tail, read.dropped_inside) == (rows.dropped_tail, rows.dropped_inside)


def test_folder_holds_each_books_windows_or_why_it_has_none(tmp_path: Path) -> None:
    tokenization = Tokenization(tokenizer_sha256="t", tokenizers="0", bos_id=None, scored_tokens=1)
    short = [Refused(source=f"{name}.txt", role="book", why=f"{name} is short") for name in "ac"]

    selection = select_windows(toy.make_windows(3), [Span(start=0, stop=50)])

    def books() -> Iterator[tuple[str, Windows, Selection] | Refused]:
        yield short[0]
        yield "b", toy.make_windows(3), selection
        assert has_windows(tmp_path, "b"), "a book is written before the next is made"
        yield short[1]

    write_windows(tmp_path, tokenization, books())
    assert read_tokenization(tmp_path) == tokenization
    assert read_refused(tmp_path) == short
    assert [has_windows(tmp_path, name) for name in "abc"] == [False, True, False]
    assert len(read_windows(tmp_path, "b")) == 3
    assert read_selection(tmp_path, "b") == selection


@given(
    spans=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 120)), min_size=1, max_size=4),
    count=st.integers(0, 30), stride=st.integers(1, 40), most=st.integers(0, 12),
)  # fmt: skip
def test_part_is_the_windows_whose_suffix_lies_wholly_inside(
    spans: list[tuple[int, int]], count: int, stride: int, most: int
) -> None:
    """Held against a loop over windows and characters; `most` are the middles of as many equal pieces."""
    rows = toy.make_windows(count, stride=stride)
    part = [Span(start=start, stop=start + length) for start, length in spans]
    naive = [
        number
        for number in range(count)
        if any(
            all(span.start <= at < span.stop for at in range(rows.suffix_start[number], rows.stop[number]))
            for span in part
        )
    ]
    found = select_windows(rows, part)
    assert (found.numbers().tolist(), found.count, found.inside, found.of) == (naive, len(naive), len(naive), count)
    assert not found.is_spread
    some = select_windows(rows, part, most)
    if 0 < most < len(naive):
        pieces = [(2 * piece + 1) * len(naive) / (2 * most) for piece in range(most)]
        assert some.numbers().tolist() == [naive[int(middle)] for middle in pieces]
        assert some.is_spread
    else:
        assert some == found
    np.testing.assert_array_equal(rows.select(found.numbers()).cursor, rows.cursor[naive])
