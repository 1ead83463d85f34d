"""Finding the chapters of a book by their headings."""

import itertools
import re
import subprocess
import sys

from byheart.components.download.line_breaks import LinesOf
from byheart.contracts.books import Chapter
from byheart.contracts.errors import BookError, SettingsError
from byheart.contracts.foreign import quote

_SHORTEST = 500
"""Characters of the shortest chapter: a heading of fewer is a line of a table of contents."""
_NUMBER = (
    r"\d+|[ivxlcdm]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last"
)
# Not before a lower-case word, as in lines of prose: "part one of them", "book I had read".
_HEADING = (
    rf"[ \t]*(?i:chapter|book|part|canto|letter|stave)[ \t]+(?i:the[ \t]+)?(?i:{_NUMBER})\b(?![ \t]+[a-z]).{{0,80}}$"
)

_SECONDS = 20
"""Ten times what a plain pattern takes for the longest text."""
_SEARCH = """
import re, sys
text = sys.stdin.buffer.read().decode()
for match in re.compile(sys.argv[1], re.MULTILINE).finditer(text):
    print(match.start())
"""


def compile_heading_pattern(chapters: str) -> re.Pattern[str] | None:
    """The pattern of headings; None for `none`.

    Args:
        chapters: `none`; or `auto`, for lines of at most about 90 characters that begin with Chapter, Book, Part,
            Canto, Letter or Stave and a number in figures or English words, without a lower-case word after it; or a
            regular expression for the beginning of a heading's line, to which every line break is LF.

    Raises:
        SettingsError: the text is no regular expression.
    """
    if chapters == "none":
        return None
    if chapters == "auto":
        return re.compile(f"^{_HEADING}", re.MULTILINE)
    try:
        return re.compile(f"^(?:{chapters})", re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise SettingsError(
            f"chapters must be auto, none or a regular expression, found {quote(chapters)} ({error}): mend it",
            parameter="chapters",
        ) from None


def find_chapters(text: str, chapters: str) -> tuple[Chapter, ...]:
    """The chapters of `text`; the title of a chapter is its heading's line.

    With `auto`, a chapter of fewer than 500 characters is left out, since its heading is a line of a table of contents,
    and a single chapter does not count. With a pattern of the user, every match counts.

    Args:
        chapters: see `compile_heading_pattern`.
    """
    pattern = compile_heading_pattern(chapters)
    if pattern is None:
        return ()
    shortest = _SHORTEST if chapters == "auto" else 1
    lines = LinesOf(text)
    search = _search if chapters != "auto" else _search_here
    starts = search(pattern, lines, chapters)
    kept = [
        start
        for start, stop in itertools.pairwise([*starts, len(lines.text)])
        if lines.locate(stop) - lines.locate(start) >= shortest
    ]
    if len(kept) < 2 and chapters == "auto":
        return ()
    return tuple(Chapter(title=_read_title(lines.text, start), start=lines.locate(start)) for start in kept)


def _search_here(pattern: re.Pattern[str], lines: LinesOf, _: str) -> list[int]:
    return [match.start() for match in pattern.finditer(lines.text)]


def _search(pattern: re.Pattern[str], lines: LinesOf, chapters: str) -> list[int]:
    """Where a pattern of the user matches, found in a process: a thread could not end the search.

    Raises:
        BookError: it takes too long.
    """
    command = [sys.executable, "-I", "-c", _SEARCH, pattern.pattern]
    try:
        done = subprocess.run(command, input=lines.text.encode(), capture_output=True, timeout=_SECONDS, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise BookError(
            f"chapters must be a regular expression that is found within {_SECONDS} s, found {quote(chapters)}, "
            "which takes longer or more memory: write it without repetitions in one another",
            parameter="chapters",
        ) from None
    return [int(start) for start in done.stdout.split()]


def _read_title(text: str, start: int) -> str:
    """The rest of the line from `start`, with single spaces."""
    stop = text.find("\n", start)
    return " ".join(text[start : None if stop < 0 else stop].split())
