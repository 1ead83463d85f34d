"""The text report of a book: its lines, and the characters that a model may not expect."""

import functools
import re
import sys
import unicodedata

from byheart.components.download.unwrap import find_breaks
from byheart.contracts.text_report import TextReport

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060]")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


def report_on(text: str) -> TextReport:
    """The report on `text`."""
    breaks = find_breaks(text)
    crlf = text.count("\r\n")
    lone_cr = text.count("\r") - crlf
    lone_lf = text.count("\n") - crlf
    return TextReport(
        lines=len(breaks.all) + (bool(text) and not text.endswith(("\r", "\n"))),
        crlf=crlf,
        lone_cr=lone_cr,
        mixed_line_breaks=sum(map(bool, (crlf, lone_cr, lone_lf))) > 1,
        inner_breaks=breaks.inner,
        wrapped_breaks=len(breaks.wrapped),
        non_nfc=_non_nfc(text),
        control_characters=_count(_CONTROL, text),
        byte_order_marks=text.count("\ufeff"),
        replacement_characters=text.count("\ufffd"),
        soft_hyphens=text.count("\u00ad"),
        zero_width=_count(_ZERO_WIDTH, text),
        private_use=_count(_PRIVATE_USE, text),
        hard_wrapped=round(len(breaks.wrapped) / breaks.inner, 4) if breaks.inner else 0.0,
    )


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _non_nfc(text: str) -> int:
    """Characters of the sequences that NFC would change."""
    if unicodedata.is_normalized("NFC", text):
        return 0
    sequences = (found[0] for found in _sequences().finditer(text))
    return sum(len(one) for one in sequences if unicodedata.normalize("NFC", one) != one)


@functools.cache
def _sequences() -> re.Pattern[str]:
    """The sequences of a text that NFC may change, each by itself: a character with marks, or one that changes alone.

    A mark is a character that may join what stands before it: of a combining class other than 0, or the second half of
    a canonical decomposition (Unicode Standard Annex 15), or a vowel or final consonant of the Korean script.
    """
    characters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    marks = {one for one in characters if unicodedata.combining(one)}
    marks |= set(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
    for one in characters:
        halves = unicodedata.decomposition(one).split()
        if len(halves) == 2 and not halves[0].startswith("<"):
            marks.add(chr(int(halves[1], 16)))
    alone = {one for one in characters if unicodedata.normalize("NFC", one) != one}
    mark, changes = (f"[{''.join(map(re.escape, sorted(kind)))}]" for kind in (marks, alone - marks))
    return re.compile(f"[^{mark[1:]}?{mark}+|{mark}+|{changes}", re.DOTALL)
