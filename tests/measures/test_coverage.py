import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.windows import Windows
from byheart.measures.character_map import map_characters
from byheart.measures.coverage import count_not_measurable, find_words
from byheart.measures.measured import find_first_covered
from tests.measures import toy

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]


def reasons(windows: Windows, *, characters: int, stride: int, coverage: str = "suffix") -> tuple[int, ...]:
    """First prompt, short slices, between windows, tail; their sum is what no window covers."""
    first = find_first_covered(windows).choose(coverage)
    covered = map_characters(characters, first, windows.stop, np.zeros(len(windows)))
    counts = count_not_measurable(~covered.measurable, windows, first, stride=stride)
    reasons = (counts.first_prompt, counts.short_slices, counts.between_windows, counts.tail)
    assert sum(reasons) == (~covered.measurable).sum()
    return reasons


def spans(text: str) -> list[tuple[int, int]]:
    words = find_words(text)
    assert len(words) == len(words.start)
    return list(zip(words.start.tolist(), words.stop.tolist(), strict=True))


@given(
    st.text(st.sampled_from(["a", "ß", "日", "\U0001f9fc", "\u200b", "\u2060", *SPACES]) | st.characters(codec="utf-8"))
)
def test_words_are_what_stands_between_white_space(text: str) -> None:
    assert spans(text) == [match.span() for match in re.finditer(r"\S+", text)]


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
    characters = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    lies_in = find_words(text).lie_in(np.array(characters, bool))
    assert lies_in.tolist() == [all(characters[slice(*word.span())]) for word in re.finditer(r"\S+", text)]


def some(count: int, *which: int, stride: int = 10) -> Windows:
    """Windows at 0, `stride`, ...; those that are not named had too few tokens."""
    return toy.keep_rows(toy.make_windows(count, stride=stride), np.array(which or range(count), int))


SPACED = dataclasses.replace(toy.make_windows(3), start=toy.make_windows(3).start + 3)


@pytest.mark.parametrize(
    ("windows", "characters", "stride", "of_suffixes", "of_windows"),
    [
        pytest.param(some(3), 75, 10, (20, 0, 0, 15), (0, 0, 0, 15), id="suffixes [20, 60), windows [0, 60)"),
        pytest.param(some(8, 0, 1, 6, 7), 115, 10, (20, 30, 0, 5), (0, 10, 0, 5), id="short slices leave a gap"),
        pytest.param(some(5, 3, 4), 80, 10, (20, 30, 0, 0), (0, 30, 0, 0), id="short slices at the beginning"),
        pytest.param(SPACED, 60, 10, (20, 0, 0, 0), (3, 0, 0, 0), id="white space that no token begins with"),
        pytest.param(some(3, stride=50), 145, 50, (20, 0, 60, 5), (0, 0, 20, 5), id="stride longer than the suffix"),
        pytest.param(some(4, 0, 1, 3, stride=50), 190, 50, (20, 80, 30, 0), (0, 60, 10, 0), id="both kinds of gap"),
        pytest.param(some(6, 0, 1, 3, 4, 5), 90, 10, (20, 0, 0, 0), (0, 0, 0, 0), id="gap that others cover"),
        pytest.param(some(0), 30, 10, (0, 0, 0, 30), (0, 0, 0, 30), id="no windows"),
        pytest.param(some(1), 45, 10, (20, 0, 0, 5), (0, 0, 0, 5), id="one window"),
    ],
)
def test_reasons_of_hand_worked_books(
    windows: Windows, characters: int, stride: int, of_suffixes: tuple[int, ...], of_windows: tuple[int, ...]
) -> None:
    """Windows of 20 + 20 characters: first prompt, short slices, between windows, tail."""
    assert reasons(windows, characters=characters, stride=stride) == of_suffixes
    assert reasons(windows, characters=characters, stride=stride, coverage="window") == of_windows


@given(
    count=st.integers(1, 12), stride=st.integers(1, 60), after=st.integers(0, 30), data=st.data(),
    coverage=st.sampled_from(["suffix", "window"]),
)  # fmt: skip
def test_every_character_has_its_reason(
    count: int, stride: int, after: int, data: st.DataObject, coverage: str
) -> None:
    """Whatever windows are missing; `reasons` holds the sum against the map. Gaps need a reason of their own."""
    which = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True).map(sorted)))
    windows = toy.keep_rows(toy.make_windows(count, stride=stride), which)
    characters = int(windows.stop.max()) + after
    prompt, short, between, tail = reasons(windows, characters=characters, stride=stride, coverage=coverage)
    assert tail == after
    assert prompt == (20 if coverage == "suffix" else 0)
    if len(which) == which[-1] + 1:
        assert short == 0
    if stride <= (20 if coverage == "suffix" else 40):
        assert between == 0
