"""Finding Project Gutenberg's header and footer by the marked line that ends the one and begins the other."""

import dataclasses
import re

# The marked lines from etexts of the 1990s to today's files: with and without a space after the asterisks, THE or THIS,
# EBOOK or ETEXT, and wrapped in the middle of a long title.
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


def find_gutenberg(text: str) -> Gutenberg | None:
    """The extent of the header and the footer; None if the text has neither marked line."""
    start = _START.search(text)
    stops = list(_STOP.finditer(text, start.end() if start else 0))
    if not start and not stops:
        return None
    front = _BLANK_LINES.match(text, start.end()).end() if start else 0  # type: ignore[union-attr]  # it may be empty
    stop = stops[-1].start() if stops else len(text)
    back = len(text) - len(text[:stop].rstrip()) if stops else 0
    title = _TITLE.search(text, 0, start.start()) if start else None
    return Gutenberg(front=front, back=min(back, len(text) - front), title=" ".join(title[1].split()) if title else "")
