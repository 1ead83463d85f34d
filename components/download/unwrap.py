"""Lines that were broken at a fixed width, told from lines that are lines, and joined."""

import dataclasses
import re
from collections.abc import Sequence

_BREAK = re.compile(r"\r\n|\n|\r")
_LONG = 0.75
"""Of the text's width; a shorter line ends where its author wished: a verse, an address, a heading, a list."""
_WIDTH_AT = 0.95
"""The width is the length that so many of the lines inside paragraphs keep within: one long URL is no width."""
_HYPHENS = "-\N{SOFT HYPHEN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}"
_FIRST_LETTER = re.compile(r"[^\W_]")
_MARGIN = 24
"""Characters at the beginning of a line among which its first letter is looked for, behind quotes and brackets."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breaks:
    """The line breaks of a text, as half-open spans of its characters."""

    all: Sequence[tuple[int, int]]
    inner: int
    """How many stand inside a paragraph: with text in the line before and in the line after."""
    wrapped: Sequence[tuple[int, int]]
    """Those that a fixed width made."""


def find_breaks(text: str) -> Breaks:
    """The line breaks of `text`; which of them a fixed width made.

    A paragraph is what stands between blank lines. Inside one, a break is taken for the width's if

    - the line before it is at least three quarters as long as the text is wide,
    - the line before it does not end in a hyphen or dash,
    - the line after it does not begin with white space, and
    - some line of the paragraph that follows such a break begins with a small letter, or the first word of the line
      after it would not have found room in the line before: so a verse inside prose is left.

    All of them are left, however, unless at least half of those that meet the first three are followed by a line that
    begins with a small letter, as in broken prose: so books of verse, one paragraph a line, and scripts without small
    letters stay as they are.
    """
    spans = [found.span() for found in _BREAK.finditer(text)]
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), len(text)]
    lines = [text[start:stop].rstrip() for start, stop in zip(starts, stops, strict=True)]
    inner = [number for number in range(len(spans)) if lines[number] and lines[number + 1]]
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
    paragraphs = _paragraphs(inner)
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


def _paragraphs(inner: Sequence[int]) -> dict[int, int]:
    """For each break inside a paragraph the first one of that paragraph."""
    first: dict[int, int] = {}
    for number in inner:
        first[number] = first.get(number - 1, number)
    return first


def unwrap(text: str) -> tuple[str, int]:
    """`text` with a space for each line break that a fixed width made, and how many there were.

    Nothing else changes: a CR-LF becomes one space, a hyphen at a line's end keeps its break.
    """
    wrapped = find_breaks(text).wrapped
    starts = [0, *(stop for _, stop in wrapped)]
    stops = [*(start for start, _ in wrapped), len(text)]
    return " ".join(text[start:stop] for start, stop in zip(starts, stops, strict=True)), len(wrapped)


def _begins_small(line: str) -> bool:
    letter = _FIRST_LETTER.search(line[:_MARGIN])
    return bool(letter) and letter[0].islower()  # type: ignore[index]
