"""The rows of the heat map: which characters each has, and what it is called."""

import dataclasses
import itertools
import textwrap

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from byheart.components.plot.chapter_marks import NUMBER
from byheart.contracts.books import Chapter
from byheart.contracts.foreign import spell_out_line

MOST_CHAPTERS = 40
"""With more chapters than this a map would be too high."""
_EQUAL = 20
"""The rows of a text that has too many chapters, or none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the map: a chapter, or one of equal parts of the text."""

    name: str
    number: str
    """A short name: the chapter's number; the first character of a part."""
    start: int
    stop: int
    """The position after its last character."""
    is_part: bool = False
    """Whether it is one of equal parts."""
    begins: tuple[int, ...] = ()
    """Of a part: where chapters begin in it."""


def list_rows(chapters: tuple[Chapter, ...], bounds: tuple[int, int], measurable: np.ndarray) -> list[Row]:
    """The rows of a text: its chapters, or 20 equal parts if it has none, or too many.

    What lies before the first chapter is a row where something in it is measurable.

    Args:
        bounds: the characters to show, half-open; chapters are cut to them.
        measurable: bool [C].
    """
    start, stop = bounds
    ends = [*(chapter.start for chapter in chapters[1:]), stop]
    inside = [index for index, chapter in enumerate(chapters) if chapter.start < stop and ends[index] > start]
    if not 0 < len(inside) <= MOST_CHAPTERS:
        return _divide(chapters, bounds)
    titles = [spell_out_line(chapter.title) for chapter in chapters]
    numbers = _choose_numbers(titles)
    rows = [
        Row(
            name=_make_name(titles[index], numbers[index]),
            number=numbers[index],
            start=max(chapters[index].start, start),
            stop=min(ends[index], stop),
        )
        for index in inside
    ]
    before = rows[0].start
    if measurable[start:before].any():
        rows.insert(0, Row(name="before the first chapter", number="–", start=start, stop=before))
    return rows


def cut_to(text: str, inches: float, points: float) -> str:
    """The text, or its beginning with an ellipsis: what fits.

    Args:
        points: the size of the letters.
    """
    if measure_inches(text, points) <= inches:
        return text
    fitting, too_long = 0, len(text)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        fits = measure_inches(f"{text[:middle].rstrip()}…", points) <= inches
        fitting, too_long = (middle, too_long) if fits else (fitting, middle)
    return f"{text[:fitting].rstrip()}…"


def wrap_to(text: str, inches: float, points: float, weight: str = "normal") -> list[str]:
    """The text in lines of at most this width."""
    line = spell_out_line(text)
    letters = max(int(200 * inches / points), 2)
    while True:
        lines = textwrap.wrap(line, letters)
        if letters == 2 or all(measure_inches(part, points, weight) <= inches for part in lines):
            return lines
        letters = max(letters * 19 // 20, 2)


def measure_inches(text: str, points: float, weight: str = "normal") -> float:
    """The width of a text."""
    font = FontProperties(size=points, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def _divide(chapters: tuple[Chapter, ...], bounds: tuple[int, int]) -> list[Row]:
    """Equal parts of the text."""
    start, stop = bounds
    parts = max(min(_EQUAL, stop - start), 1)
    edges = [start + (stop - start) * part // parts for part in range(parts + 1)]
    begins = [chapter.start for chapter in chapters]
    return [
        Row(
            name=f"{first:,}", number=f"{first:,}", start=first, stop=last, is_part=True,
            begins=tuple(position for position in begins if first <= position < last),
        )
        for first, last in itertools.pairwise(edges)
    ]  # fmt: skip


def _choose_numbers(titles: list[str]) -> list[str]:
    """The numbers in the titles, `12` of `Chapter 12: Ice`, if each has one of its own; else 1, 2, 3, as `only` counts.

    A title is cut to a number only, never to its last word.
    """
    words = [title.partition(":")[0].rpartition(" ")[2] for title in titles]
    if all(NUMBER.fullmatch(word) for word in words) and len(set(words)) == len(words):
        return [word.rstrip(".") for word in words]
    return [f"{number}" for number in range(1, len(titles) + 1)]


def _make_name(title: str, number: str) -> str:
    """`12  Ice` of `Chapter 12: Ice`; a title that has a number by itself stays; another gets one."""
    head, _, rest = title.partition(":")
    words = head.split()
    if rest.strip() and words and words[-1].rstrip(".") == number:
        return f"{number}  {rest.strip()}"
    if any(NUMBER.fullmatch(word) for word in (*words[:1], *words[-1:])):
        return title
    return f"{number}  {title}".strip()
