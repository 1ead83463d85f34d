"""Finding Project Gutenberg's header and footer by the marked line that ends the one and begins the other."""

import dataclasses
import re

from byheart.components.download.line_breaks import LinesOf

# The marked lines from the 2000s to today: with and without a space after the asterisks, THE or THIS, EBOOK or ETEXT,
# and wrapped in the middle of a long title. A line break is LF here.
_MARKER = (
    r"^[ \t]*\*\*\*[ \t]*{word}[ \t]+OF[ \t]+(?:THE|THIS)[ \t]+(?:COPYRIGHTED[ \t]+)?PROJECT[ \t]+GUTENBERG(?:-TM)?"
    r"[ \t]+E-?(?:BOOK|TEXT)\b(?:(?:(?!\n[ \t]*\n)(?s:.)){{0,400}}?\*\*\*[ \t]*$|[^\n]*)"
)
# Those of the 1990s, which count where there are none of today's: *END*THE SMALL PRINT! ...*END*, End of Project
# Gutenberg's Emma, End of The Project Gutenberg Etext of Emma.
_OLD_START = r"^[ \t]*\*+[ \t]*END[ \t]*\*?[ \t]*THE[ \t]+SMALL[ \t]+PRINT\b[^\n]*(?:\n[^\n]*\*END\*[ \t]*$)?"
_OLD_STOP = (
    r"^[ \t]*(?:\*+[ \t]*)?END[ \t]+OF[ \t]+(?:(?:THE|THIS)[ \t]+)?PROJECT[ \t]+GUTENBERG"
    r"(?:['\u2019]S\b|(?:-TM)?[ \t]+E-?(?:BOOK|TEXT)\b)"
)
_STARTS, _STOPS = (
    [re.compile(pattern, re.MULTILINE | re.IGNORECASE) for pattern in (_MARKER.format(word=word), old)]
    for word, old in (("START", _OLD_START), ("END", _OLD_STOP))
)
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")
_TITLE = re.compile(r"^Title:[ \t]*(\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gutenberg:
    """The extent of Project Gutenberg's header and footer in a text.

    ...Title: Emma...*** START OF ... ***\\n\\n EMMA...FINIS \\n\\n*** END OF ... ***...
    |<-- front ------------------------------>|              |<-- back ------------>|
    """

    front: int
    """Characters before the book: the header and the blank lines after it."""
    back: int
    """Characters after the book: the blank lines before the footer, and the footer."""
    title: str
    """The header's `Title:`; empty if there is none."""
    headers: int
    """Marked lines that end a header; the first counts."""
    footers: int
    """Marked lines that begin a footer; the last counts."""


def find_gutenberg(text: str) -> Gutenberg | None:
    """The extent of the header and the footer; None if the text has neither marked line."""
    lines = LinesOf(text)
    starts = _find_first_kind(_STARTS, lines.text, 0)
    start = starts[0] if starts else None
    stops = _find_first_kind(_STOPS, lines.text, start.end() if start else 0)
    if not start and not stops:
        return None
    front = lines.locate(_BLANK_LINES.match(lines.text, start.end()).end()) if start else 0  # type: ignore[union-attr]
    stop = lines.locate(stops[-1].start()) if stops else len(text)
    back = len(text) - len(text[:stop].rstrip()) if stops else 0
    title = _TITLE.search(lines.text, 0, start.start()) if start else None
    return Gutenberg(
        front=front,
        back=min(back, len(text) - front),
        title=" ".join(title[1].split()) if title else "",
        headers=len(starts),
        footers=len(stops),
    )


def _find_first_kind(kinds: list[re.Pattern[str]], text: str, start: int) -> list[re.Match[str]]:
    """The matches of the first pattern that has any."""
    return next((found for kind in kinds if (found := list(kind.finditer(text, start)))), [])
