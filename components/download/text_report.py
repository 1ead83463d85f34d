"""Making the text report of a book, which counts its lines and the characters that a model may not expect."""

import functools
import re
import sys
import unicodedata

from byheart.components.download.mojibake import count_mojibake
from byheart.components.download.unwrap import find_breaks
from byheart.contracts.text_report import TextReport

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060]")
_UNICODE_BREAKS = re.compile("[\x85\u2028\u2029]")
_TAG = re.compile(r"</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>|<!--|<![A-Za-z][^<>]*>|<\?[A-Za-z][^<>]*>")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


def report_on(text: str) -> TextReport:
    """The report on `text`."""
    breaks = find_breaks(text)
    crlf = text.count("\r\n")
    lone_cr = text.count("\r") - crlf
    lone_lf = text.count("\n") - crlf
    return TextReport(
        lines=len(breaks.all) + (bool(text) and (not breaks.all or breaks.all[-1][1] < len(text))),
        crlf=crlf,
        lone_cr=lone_cr,
        mixed_line_breaks=sum(map(bool, (crlf, lone_cr, lone_lf, *map(text.count, "\x85\u2028\u2029")))) > 1,
        inner_breaks=breaks.inner,
        wrapped_breaks=len(breaks.wrapped),
        non_nfc=_count_non_nfc(text),
        control_characters=_count(_CONTROL, text),
        byte_order_marks=text.count("\ufeff"),
        replacement_characters=text.count("\ufffd"),
        soft_hyphens=text.count("\u00ad"),
        zero_width=_count(_ZERO_WIDTH, text),
        private_use=_count(_PRIVATE_USE, text),
        hard_wrapped=round(len(breaks.wrapped) / breaks.inner, 4) if breaks.inner else 0.0,
        unicode_breaks=_count(_UNICODE_BREAKS, text),
        markup=_count(_TAG, text) + _count(_REFERENCE, text),
        mojibake=count_mojibake(text),
    )


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _count_non_nfc(text: str) -> int:
    """The number of characters in sequences that NFC would change.

    To normalize marks takes the square of their number, if their order is another; to see that takes a look at each.
    """
    if unicodedata.is_normalized("NFC", text):
        return 0
    sequences = (match[0] for match in _compile_sequences().finditer(text))
    return sum(len(sequence) for sequence in sequences if not unicodedata.is_normalized("NFC", sequence))


@functools.cache
def _compile_sequences() -> re.Pattern[str]:
    """The pattern of sequences that NFC may change: a character with marks, or a character that changes alone.

    A mark is a character that may be composed with the one before it: it has a combining class other than 0, or is the
    second half of a canonical decomposition (Unicode Standard Annex 15), or a vowel or final consonant of the Korean
    script.
    """
    characters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    marks = {character for character in characters if unicodedata.combining(character)}
    marks |= set(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
    for character in characters:
        halves = unicodedata.decomposition(character).split()
        if len(halves) == 2 and not halves[0].startswith("<"):
            marks.add(chr(int(halves[1], 16)))
    alone = {character for character in characters if unicodedata.normalize("NFC", character) != character}
    mark, changes = (f"[{''.join(map(re.escape, sorted(kind)))}]" for kind in (marks, alone - marks))
    return re.compile(f"[^{mark[1:]}?{mark}+|{mark}+|{changes}", re.DOTALL)
