import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.download.text_report import report_on
from byheart.components.download.unwrap import find_breaks, unwrap

SAMPLE = (Path(__file__).parents[2] / "samples" / "the-soap-winter.txt").read_text(encoding="utf-8")
"""One paragraph a line, blank lines between."""
PROSE = (
    "The tide brought the soap in before\nit brought the news, and the whole\nforeshore was white to the height\nof a "
    "man, so that we took it for\nsnow that had lost its way.\n"
)
SONNET = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimmed;
"""


def wrapped(text: str, width: int) -> str:
    return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in text.split("\n\n"))


@pytest.mark.parametrize("width", [60, 72, 78])
def test_wrapped_prose_is_nearly_all_hard_wrapped(width: int) -> None:
    assert report_on(wrapped(SAMPLE, width)).hard_wrapped > 0.98


@pytest.mark.parametrize("text", [SAMPLE, SAMPLE.replace("\n\n", "\n"), SONNET, SONNET.replace("\n", "\r\n"), "", "a"])
def test_text_of_lines_that_are_meant_is_not_hard_wrapped_and_stays(text: str) -> None:
    assert report_on(text).hard_wrapped == 0
    assert unwrap(text) == (text, 0)


@pytest.mark.parametrize("width", [60, 72, 78])
def test_unwrapping_undoes_what_wrapping_did(width: int) -> None:
    prose = re.sub(r"[‐-―-]", ",", SAMPLE)
    prose = "\n\n".join(" ".join(paragraph.split()) for paragraph in prose.split("\n\n"))
    text, joined = unwrap(wrapped(prose, width))
    assert joined > 400
    assert 0 <= text.count("\n") - prose.count("\n") <= 6, "lines that a long word behind them has kept short"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_of_a_paragraph_are_joined_by_one_space(line_break: str) -> None:
    text, joined = unwrap(f"{PROSE}\n{PROSE}".replace("\n", line_break))
    paragraph = " ".join(PROSE.splitlines()) + line_break
    assert (text, joined) == (f"{paragraph}{line_break}{paragraph}", 8)


@pytest.mark.parametrize(
    "kept",
    [
        "a house of bricks that was never-\nfinished by those who began it",
        "a house of bricks that never was—\nfinished by those who began it",
        "a house of bricks that never was\n  finished by those who began it",
        "a house of bricks\nfinished by those who began it all",
        "Go wide of the house brick\nGive the weather your hand\nHold on until the chimney",
        "CHAPTER ONE\nthe tide brought the soap in before",
    ],
)
def test_break_that_may_be_meant_is_kept(kept: str) -> None:
    """Behind a hyphen or a dash, before an indented line, in a verse, and after a short line."""
    assert unwrap(f"{PROSE}\n{kept}\n\n{PROSE}")[0].count(kept) == 1


def test_line_of_prose_may_begin_with_a_capital() -> None:
    prose = PROSE.replace("it brought the news, and", "Skarnö had heard of it, or")
    assert unwrap(prose) == (" ".join(prose.splitlines()) + "\n", 4)
    alone = "He was a man of the bank, and not\nSweden"
    assert unwrap(f"{PROSE}\n{alone}\n")[0].endswith(f"\n{alone.replace(chr(10), ' ')}\n")


@pytest.mark.parametrize("width", [75, 78])
def test_unwrapping_the_wrapped_sample_gives_it_back(width: int) -> None:
    """Its verses, of up to 69 characters a line, stay verses."""
    fill = textwrap.TextWrapper(width, break_on_hyphens=False).fill
    assert unwrap("\n".join(fill(line) for line in SAMPLE.split("\n")))[0] == SAMPLE


def test_first_line_of_a_paragraph_may_be_indented() -> None:
    assert unwrap(f"   {PROSE}")[0] == "   " + " ".join(PROSE.splitlines()) + "\n"


def test_breaks_are_counted_by_hand() -> None:
    breaks = find_breaks(f"A Title\n\n{PROSE}\nshort\nlines\n")
    assert len(breaks.all) == 10
    assert breaks.inner == 5
    assert len(breaks.wrapped) == 4


TEXTS = st.one_of(
    st.text(st.sampled_from("ab Z-\n\r\t«é"), max_size=80),
    st.lists(st.sampled_from(["some words here", " and", "And", "-", "\n", "\r\n", "\r", "\n\n", " "])).map("".join),
)
BREAKS = re.compile(r"\r\n|\n|\r")


@given(TEXTS)
def test_only_line_breaks_change_and_only_to_spaces(text: str) -> None:
    joined, count = unwrap(text)
    assert BREAKS.sub(" ", joined) == BREAKS.sub(" ", text)
    assert len(BREAKS.findall(text)) - len(BREAKS.findall(joined)) == count
    if "\r" not in text:
        assert len(joined) == len(text)
        assert all(one == other or (one, other) == ("\n", " ") for one, other in zip(text, joined, strict=True))


@given(TEXTS)
def test_paragraphs_stay_apart(text: str) -> None:
    before, after = (
        [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", BREAKS.sub("\n", one))]
        for one in (text, unwrap(text)[0])
    )
    assert before == after


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\x85", "\u2028"])
def test_every_line_break_may_be_one_of_a_fixed_width(line_break: str) -> None:
    lines = ["The tide brought the soap in before", "it brought the news, and the whole"] * 10
    assert unwrap(line_break.join(lines)) == (" ".join(lines), 19)


def test_paragraph_separator_separates_paragraphs() -> None:
    lines = ["The tide brought the soap in before", "it brought the news, and the whole"] * 10
    text = "\u2029".join(lines)
    assert unwrap(text) == (text, 0)
    assert report_on(text).inner_breaks == 0
