import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.windows import Windows
from byheart.measures.character_map import character_map
from byheart.measures.coverage import not_measurable, words
from tests.measures import toy

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]


def reasons(windows: Windows, *, characters: int, stride: int = 10, coverage: str = "suffix") -> tuple[int, ...]:
    """First prompt, short slices, between windows, tail; their sum is what no window covers."""
    first = {"suffix": windows.suffix_start, "window": windows.start}[coverage]
    covered = character_map(characters, first, windows.stop, np.zeros(len(windows)))
    found = not_measurable(covered, windows, first, stride=stride)
    reasons = (found.first_prompt, found.short_slices, found.between_windows, found.tail)
    assert sum(reasons) == (~covered.measurable).sum()
    return reasons


def spans(text: str) -> list[tuple[int, int]]:
    found = words(text)
    assert len(found) == len(found.start)
    return list(zip(found.start.tolist(), found.stop.tolist(), strict=True))


@given(
    st.text(st.sampled_from(["a", "ß", "日", "\U0001f9fc", "\u200b", "\u2060", *SPACES]) | st.characters(codec="utf-8"))
)
def test_words_are_what_stands_between_white_space(text: str) -> None:
    assert spans(text) == [found.span() for found in re.finditer(r"\S+", text)]


def test_both_ways_to_know_white_space_know_the_same() -> None:
    """re's and str's: else words would depend on which of them is asked."""
    assert len(SPACES) == 29
    assert [chr(code) for code in range(0x110000) if re.match(r"\s", chr(code))] == SPACES


def test_words_of_a_line() -> None:
    text = " The ferry-man\u00a0said:\u2003“no”\u200b.\r\n"
    assert [text[start:stop] for start, stop in spans(text)] == ["The", "ferry-man", "said:", "“no”\u200b."]
    assert spans("") == spans(" \n") == []


@given(st.text("ab \n", max_size=40), st.data())
def test_word_is_whole_if_all_its_characters_are(text: str, data: st.DataObject) -> None:
    held = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    found = words(text).whole(np.array(held, bool))
    assert found.tolist() == [all(held[slice(*word.span())]) for word in re.finditer(r"\S+", text)]


def test_first_prompt_and_tail_of_a_hand_worked_book() -> None:
    """Windows at 0, 10, 20 of 20 + 20 characters: suffixes cover [20, 60), windows [0, 60), of 75 characters."""
    assert reasons(toy.windows(3), characters=75) == (20, 0, 0, 15)
    assert reasons(toy.windows(3), characters=75, coverage="window") == (0, 0, 0, 15)


def test_short_slices_inside_leave_a_gap() -> None:
    """Windows at 0, 10, then 60, 70: suffixes cover [20, 50) and [80, 110), windows [0, 50) and [60, 110)."""
    windows = toy.rows(toy.windows(8), np.array([0, 1, 6, 7]))
    assert reasons(windows, characters=115) == (20, 30, 0, 5)
    assert reasons(windows, characters=115, coverage="window") == (0, 10, 0, 5)


def test_short_slices_at_the_beginning_are_no_prompt() -> None:
    """The first window is at 30: only its own prompt, [30, 50), was never asked for because it is a prompt."""
    windows = toy.rows(toy.windows(5), np.array([3, 4]))
    assert reasons(windows, characters=80) == (20, 30, 0, 0)
    assert reasons(windows, characters=80, coverage="window") == (0, 30, 0, 0)


def test_white_space_that_no_token_begins_with_is_no_short_slice() -> None:
    """The first window's cursor is at 0, its first token at 3."""
    windows = dataclasses.replace(toy.windows(3), start=toy.windows(3).start + 3)
    assert reasons(windows, characters=60, coverage="window") == (3, 0, 0, 0)


def test_stride_longer_than_the_suffix_leaves_gaps_between() -> None:
    """Windows at 0, 50, 100: suffixes cover [20, 40) [70, 90) [120, 140), windows [0, 40) [50, 90) [100, 140)."""
    assert reasons(toy.windows(3, stride=50), characters=145, stride=50) == (20, 0, 60, 5)
    assert reasons(toy.windows(3, stride=50), characters=145, stride=50, coverage="window") == (0, 0, 20, 5)


def test_stride_and_short_slices_are_told_apart() -> None:
    """Windows at 0, 50, (100 too short), 150: the gap [40, 70) is the stride's, [90, 170) the short slice's."""
    windows = toy.rows(toy.windows(4, stride=50), np.array([0, 1, 3]))
    assert reasons(windows, characters=190, stride=50) == (20, 80, 30, 0)


def test_short_slices_that_other_windows_cover_leave_nothing() -> None:
    windows = toy.rows(toy.windows(6), np.array([0, 1, 3, 4, 5]))
    assert reasons(windows, characters=90) == (20, 0, 0, 0)


@pytest.mark.parametrize("coverage", ["suffix", "window"])
def test_book_without_windows_is_all_tail(coverage: str) -> None:
    assert reasons(toy.windows(0), characters=30, coverage=coverage) == (0, 0, 0, 30)


def test_one_window() -> None:
    assert reasons(toy.windows(1), characters=45) == (20, 0, 0, 5)
    assert reasons(toy.windows(1), characters=40, coverage="window") == (0, 0, 0, 0)


@given(
    count=st.integers(1, 12), stride=st.integers(1, 60), after=st.integers(0, 30), data=st.data(),
    coverage=st.sampled_from(["suffix", "window"]),
)  # fmt: skip
def test_every_character_has_its_reason(
    count: int, stride: int, after: int, data: st.DataObject, coverage: str
) -> None:
    """Whatever windows are missing; `reasons` holds the sum against the map. Gaps need a reason of their own."""
    which = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True).map(sorted)))
    windows = toy.rows(toy.windows(count, stride=stride), which)
    characters = int(windows.stop.max()) + after
    prompt, short, between, tail = reasons(windows, characters=characters, stride=stride, coverage=coverage)
    assert tail == after
    assert prompt == (20 if coverage == "suffix" else 0)
    if len(which) == which[-1] + 1:
        assert short == 0
    if stride <= (20 if coverage == "suffix" else 40):
        assert between == 0
