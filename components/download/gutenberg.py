"""Project Gutenberg's header and footer, by the lines that they end and begin with."""

import dataclasses
import re

# The forms of those lines, from 1990s etexts to today's files: with and without a space behind the asterisks, THE or
# THIS, EBOOK or ETEXT, and broken in the middle of a long title.
_MARKER = (
    r"^[ \t]*\*\*\*[ \t]*{word}[ \t]+OF[ \t]+(?:THE|THIS)[ \t]+(?:COPYRIGHTED[ \t]+)?PROJECT[ \t]+GUTENBERG(?:-TM)?"
    r"[ \t]+E-?(?:BOOK|TEXT)\b(?:(?:(?!\r?\n[ \t]*\r?\n)(?s:.)){{0,400}}?\*\*\*[ \t]*(?=[\r\n]|\Z)|[^\r\n]*)"
)
_START = re.compile(_MARKER.format(word="START"), re.MULTILINE | re.IGNORECASE)
_STOP = re.compile(_MARKER.format(word="END"), re.MULTILINE | re.IGNORECASE)
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\r\n|\n|\r))*")
_TITLE = re.compile(r"^Title:[ \t]*([^\r\n]*\S[^\r\n]*(?:\r?\n[ \t]+\S[^\r\n]*)*)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gutenberg:
    """What of a text is Project Gutenberg's.

    ...Title: Emma...*** START OF ... ***\\n\\n EMMA...FINIS \\n\\n*** END OF ... ***...
    |<-- front ------------------------------>|              |<-- back ------------>|
    """

    front: int
    """Characters before the book: the header, its last line and the blank lines behind it."""
    back: int
    """Characters after the book: the blank lines before the footer's first line, and the footer."""
    title: str
    """What the header's `Title:` says; empty if there is none."""


def find_gutenberg(text: str) -> Gutenberg | None:
    """Where Project Gutenberg's header and footer are; None if neither is marked."""
    start = _START.search(text)
    stops = list(_STOP.finditer(text, start.end() if start else 0))
    if not start and not stops:
        return None
    front = _BLANK_LINES.match(text, start.end()).end() if start else 0  # type: ignore[union-attr]  # it may be empty
    stop = stops[-1].start() if stops else len(text)
    back = len(text) - len(text[:stop].rstrip()) if stops else 0
    title = _TITLE.search(text, 0, start.start()) if start else None
    return Gutenberg(front=front, back=min(back, len(text) - front), title=" ".join(title[1].split()) if title else "")
