"""The chapters of a book, found by the lines that head them."""

import itertools
import re

from byheart.contracts.books import Chapter
from byheart.contracts.errors import SettingsError

_SHORTEST = 500
"""Characters; what looks like a shorter chapter is a line in a table of contents."""
_NUMBER = (
    r"\d+|[ivxlcdm]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last"
)
# What a lower-case word follows is a line of prose that happens to begin so: "part one of them", "book I had read".
_HEADING = (
    rf"[ \t]*(?i:chapter|book|part|canto|letter|stave)[ \t]+(?i:the[ \t]+)?(?i:{_NUMBER})\b(?![ \t]+[a-z]).{{0,80}}$"
)


def heading_pattern(chapters: str) -> re.Pattern[str] | None:
    """The pattern of the lines that head a chapter; None if none are wanted.

    Args:
        chapters: `none`; `auto`, which takes lines of at most about 90 characters that begin with Chapter, Book, Part,
            Canto, Letter or Stave and a number, in figures or in English words, that no lower-case word follows; or a
            regular expression for the beginning of a line.

    Raises:
        SettingsError: it is no regular expression.
    """
    if chapters == "none":
        return None
    if chapters == "auto":
        return re.compile(f"^{_HEADING}", re.MULTILINE)
    try:
        return re.compile(f"^(?:{chapters})", re.MULTILINE)
    except re.error as error:
        raise SettingsError(
            f"chapters must be auto, none or a regular expression, found {chapters!r} ({error}): mend it",
            parameter="chapters",
        ) from None


def find_chapters(text: str, chapters: str) -> tuple[Chapter, ...]:
    """The chapters of `text`, titled by their heading's whole line.

    What `auto` finds is left out where it would head less than 500 characters, as a line in a table of contents does,
    and counts only if there are two; what a pattern of the user's own matches always counts.

    Args:
        chapters: as `heading_pattern` takes it.
    """
    pattern = heading_pattern(chapters)
    if pattern is None:
        return ()
    shortest = _SHORTEST if chapters == "auto" else 1
    starts = [found.start() for found in pattern.finditer(text)]
    pairs = itertools.pairwise([*starts, len(text)])
    kept = [start for start, stop in pairs if stop - start >= shortest]
    if len(kept) < 2 and chapters == "auto":
        return ()
    return tuple(Chapter(title=" ".join(text[start:].split("\n", 1)[0].split()), start=start) for start in kept)
