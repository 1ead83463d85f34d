from pathlib import Path

import pytest

from byheart.components.download.chapters import compile_heading_pattern, find_chapters
from byheart.contracts.errors import BookError, SettingsError

SAMPLE = Path(__file__).parents[2] / "samples" / "the-soap-winter.txt"
PROSE = "And so it went on, day after day, until the ice broke. " * 12
"""660 characters: as short as a chapter may be, and a little more."""


def titles(text: str, chapters: str = "auto") -> list[str]:
    found = find_chapters(text, chapters)
    for chapter in found:
        assert not chapter.start or text[chapter.start - 1] == "\n", "a chapter begins where its line begins"
    return [chapter.title for chapter in found]


def book(*headings: str) -> str:
    return "".join(f"{heading}\n\n{PROSE}\n\n" for heading in headings)


@pytest.mark.parametrize(
    "heading",
    [
        "Chapter 1", "CHAPTER IV.", "  Chapter One: The Pilot", "Part the First", "BOOK I", "Stave One", "Letter 4",
        "Canto xii", "Chapter the Last", "chapter two", "CHAPTER XX. A wet evening", "Chapter 1 The Boy",
        "Chapter Thirty-Four", "Book the Second—the Golden Thread", "Chapter 7\r",
    ],
)  # fmt: skip
def test_line_that_counts_a_chapter_heads_it(heading: str) -> None:
    assert titles(book(heading, "Chapter 99")) == [" ".join(heading.split()), "Chapter 99"]


@pytest.mark.parametrize(
    "line",
    [
        "part of the reason was that he had", "letter from Mr. Darcy, and", "book I had been reading", "part company.",
        "Part I played in it", "Book which he had left", "Chapter", "Chapters 1 and 2", "the Chapter 1",
        "Part one of it", "Part 2" + " and so on" * 20,
    ],
)  # fmt: skip
def test_line_of_prose_heads_nothing(line: str) -> None:
    """As such lines stand in texts that are broken at 70 columns."""
    assert titles(book("Chapter 1", "Chapter 2").replace("the ice", f"\n{line}\nthe ice", 1)) == [
        "Chapter 1",
        "Chapter 2",
    ]


def test_chapter_starts_at_its_heading() -> None:
    text = f"A title\n\n{PROSE}\n" + book("Chapter 1", "Chapter 2")
    assert [chapter.start for chapter in find_chapters(text, "auto")] == [
        text.index("Chapter 1"),
        text.index("Chapter 2"),
    ]


def test_lines_of_a_table_of_contents_are_no_chapters() -> None:
    contents = "\n".join(f"Chapter {number} ......... {10 * number}" for number in range(1, 31))
    text = f"CONTENTS\n\n{contents}\n\n{book(*(f'Chapter {number}' for number in range(1, 31)))}"
    assert titles(text) == [f"Chapter {number}" for number in range(1, 31)]


def test_part_that_opens_with_a_chapter_gives_way_to_it() -> None:
    assert titles("BOOK I\n\n" + book("CHAPTER I", "CHAPTER II")) == ["CHAPTER I", "CHAPTER II"]


def test_chapter_has_at_least_500_characters() -> None:
    for length, count in ((499, 0), (500, 2)):
        first = "Chapter 1\n".ljust(length - 1, "x") + "\n"
        assert len(titles(f"{first}Chapter 2\n{PROSE}")) == count


def test_fewer_than_two_are_none() -> None:
    assert titles(book("Chapter 1")) == []
    assert titles(PROSE) == []
    assert titles("") == []


def test_none_looks_for_none() -> None:
    assert titles(book("Chapter 1", "Chapter 2"), "none") == []


def test_regular_expression_is_held_against_the_beginnings_of_lines() -> None:
    text = book("I", "II. On soap", "Chapter 3", "xI")
    assert titles(text, "[IVX]+") == ["I", "II. On soap"]
    assert titles(text, "[IVX]+$|Chap") == ["I", "Chapter 3"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(("chapters", "heading"), [("[IVX]+$", "{}"), ("auto", "Chapter {}")])
def test_every_line_break_ends_a_heading(chapters: str, heading: str, line_break: str) -> None:
    headings = [heading.format(number) for number in ("I", "II", "III")]
    text = book(*headings).replace("\n", line_break)
    found = find_chapters(text, chapters)
    assert [chapter.title for chapter in found] == headings
    assert [text[chapter.start :].split(line_break)[0] for chapter in found] == headings


def test_broken_regular_expression_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"auto, none or a regular expression, found '\(\['.*: mend it"):
        compile_heading_pattern("([")


def test_sample_has_its_ten_chapters() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    found = find_chapters(text, "auto")
    assert len(found) == 10
    assert [chapter.title.partition(":")[0] for chapter in found] == [
        " ".join(line.split()).partition(":")[0] for line in text.splitlines() if line.startswith("Chapter")
    ]


def test_pattern_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byheart.components.download.chapters._SECONDS", 1)
    with pytest.raises(BookError, match=r"must be a regular expression that is found within 1 s, found '\(a\+\)\+\$'"):
        find_chapters("a" * 40 + "b", "(a+)+$")


def test_pattern_of_a_hundred_thousand_brackets_is_none() -> None:
    with pytest.raises(SettingsError, match="chapters must be auto, none or a regular expression"):
        compile_heading_pattern("(" * 100_000 + ")" * 100_000)
