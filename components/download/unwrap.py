"""Finding line breaks that a fixed width made, as distinct from an author's, and joining their lines."""

import dataclasses
import re
from collections.abc import Sequence

from byheart.components.download.line_breaks import BREAK

_PARAGRAPH_SEPARATOR = "\N{PARAGRAPH SEPARATOR}"
_LONG = 0.75
"""A share of the text's width; a shorter line was ended by its author: a verse, an address, a heading, a list item."""
_WIDTH_AT = 0.95
"""The share of lines inside paragraphs that are not longer than the text's width: a long URL does not set the width."""
_HYPHENS = "-\N{SOFT HYPHEN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}"
_FIRST_LETTER = re.compile(r"[^\W_]")
_MARGIN = 24
"""Characters at the beginning of a line that are searched for its first letter, after quotes and brackets."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breaks:
    """The line breaks of a text, as half-open spans of its characters."""

    all: Sequence[tuple[int, int]]
    inner: int
    """How many are inside a paragraph: with text in the line before and in the line after."""
    wrapped: Sequence[tuple[int, int]]
    """The breaks that a fixed width made."""


def find_breaks(text: str) -> Breaks:
    """The line breaks of `text`, and which of them a fixed width made.

    Paragraphs are separated by blank lines, or by PS. A fixed width made a break inside a paragraph if

    - the line before it is at least three quarters as long as the text is wide,
    - the line before it does not end in a hyphen or dash,
    - the line after it does not begin with white space, and
    - some line of the paragraph after such a break begins with a small letter, or the first word of the line after the
      break would not have fitted into the line before. This keeps verses inside prose.

    But no break counts unless half of those that meet the first three conditions are followed by a line that begins
    with a small letter, as in wrapped prose. This keeps books of verse, books with a paragraph in each line, and
    scripts without small letters.
    """
    spans = [match.span() for match in BREAK.finditer(text)]
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), len(text)]
    lines = [text[start:stop].rstrip() for start, stop in zip(starts, stops, strict=True)]
    inner = [
        number
        for number, (start, _) in enumerate(spans)
        if lines[number] and lines[number + 1] and text[start] != _PARAGRAPH_SEPARATOR
    ]
    if not inner:
        return Breaks(all=spans, inner=0, wrapped=())
    lengths = sorted(len(lines[number]) for number in inner)
    width = lengths[int(_WIDTH_AT * (len(lengths) - 1))]
    likely = [
        number
        for number in inner
        if len(lines[number]) >= _LONG * width
        and not lines[number].endswith(tuple(_HYPHENS))
        and not lines[number + 1][0].isspace()
    ]
    small = [number for number in likely if _begins_small(lines[number + 1])]
    paragraphs = _find_paragraphs(inner)
    prose = {paragraphs[number] for number in small}
    wrapped = [
        number
        for number in likely
        if paragraphs[number] in prose or len(lines[number]) + 1 + len(lines[number + 1].split(maxsplit=1)[0]) > width
    ]
    return Breaks(
        all=spans,
        inner=len(inner),
        wrapped=[spans[number] for number in wrapped] if 2 * len(small) >= len(likely) else (),
    )


def _find_paragraphs(inner: Sequence[int]) -> dict[int, int]:
    """For each break inside a paragraph, the first break of that paragraph."""
    first: dict[int, int] = {}
    for number in inner:
        first[number] = first.get(number - 1, number)
    return first


def unwrap(text: str) -> tuple[str, int]:
    """`text` with a space instead of each line break that a fixed width made, and the number of those breaks.

    A CR-LF becomes one space. A break after a hyphen is kept.
    """
    wrapped = find_breaks(text).wrapped
    starts = [0, *(stop for _, stop in wrapped)]
    stops = [*(start for start, _ in wrapped), len(text)]
    return " ".join(text[start:stop] for start, stop in zip(starts, stops, strict=True)), len(wrapped)


def _begins_small(line: str) -> bool:
    letter = _FIRST_LETTER.search(line[:_MARGIN])
    return bool(letter) and letter[0].islower()  # type: ignore[index]
