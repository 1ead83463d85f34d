"""Marks above axes where the chapters of a book begin, with their names where these fit."""

import re

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from byheart.contracts.books import Chapter
from byheart.contracts.foreign import spell_out_line

_ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})"
NUMBER = re.compile(rf"(?:\d+|{_ROMAN})\.?")
"""A last word that may stand for a title: labels are shortened to numbers, never to words."""
_GAP = 0.5
"""The least room between two labels, in heights of a letter."""


def mark_chapters(
    axes: Axes, chapters: tuple[Chapter, ...], bounds: tuple[int, int], *, inches: float, points: float
) -> None:
    """Mark above the axes where each chapter begins, with its title if there is room.

    Args:
        bounds: the characters that the axes show, half-open.
        inches: the width of the axes, about.
        points: the size of the letters.
    """
    chapters = tuple(chapter for chapter in chapters if bounds[0] <= chapter.start < bounds[1])
    if not chapters:
        return
    stops = [*(chapter.start for chapter in chapters[1:]), bounds[1]]
    scale = 72 * inches / (bounds[1] - bounds[0])
    room = [(stop - chapter.start) * scale - _GAP * points for chapter, stop in zip(chapters, stops, strict=True)]
    labels = choose_labels([spell_out_line(chapter.title) for chapter in chapters], room, points)
    above = axes.secondary_xaxis("top")
    above.set_xticks([chapter.start for chapter in chapters], labels, ha="left", fontsize=points, parse_math=False)
    above.tick_params(length=3, pad=1)


def choose_labels(titles: list[str], room: list[float], points: float) -> list[str]:
    """The titles if all fit, else their text before a colon if all fit, else of each what fits: or its number, or "".

    Where all chapters are numbered, all labels that fit are numbers, so that they can be counted.

    Args:
        room: of each title, in points.
    """
    font = FontProperties(size=points)

    def fits(label: str, width: float) -> bool:
        return not label or text_to_path.get_text_width_height_descent(label, font, ismath=False)[0] <= width

    heads = [title.partition(":")[0] for title in titles]
    for labels in (titles, heads):
        if all(fits(label, width) for label, width in zip(labels, room, strict=True)):
            return labels
    numbers = [found if NUMBER.fullmatch(found := head.rpartition(" ")[2]) else "" for head in heads]
    choices = [numbers] if all(numbers) else [titles, heads, numbers]
    return [
        next((labels[index] for labels in choices if fits(labels[index], width)), "")
        for index, width in enumerate(room)
    ]
