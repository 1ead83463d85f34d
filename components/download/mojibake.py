"""Counting mojibake: what UTF-8 looks like that was read in another encoding and saved so, as “ becomes â€œ."""

import re
from itertools import groupby

_PUNCTUATION = "‘’“”–—…•"
_LETTERS = [*map(chr, (*range(0xA0, 0x100), *range(0x391, 0x3CA), *range(0x410, 0x450), *range(0x3041, 0x3094)))]
"""Latin, Greek, Russian, Hiragana."""
_ENCODINGS = ("cp1252", "latin-1")
_OTHER_ENCODINGS = ("mac-roman", "cp437", "cp1251")
"""Only for punctuation: in these, letters become pairs that texts have, as л becomes Р» in Windows-1251: «МИР»."""


def _read_as(character: str, encoding: str) -> str:
    """What the first two bytes of a character's UTF-8 are in another encoding."""
    return character.encode()[:2].decode(encoding, errors="ignore")


def _compile_pairs() -> re.Pattern[str]:
    """The pattern of the pairs that a character becomes, without those of two letters or with a space."""
    pairs = {_read_as(mark, encoding) for mark in _PUNCTUATION for encoding in (*_ENCODINGS, *_OTHER_ENCODINGS)}
    letters = {_read_as(letter, encoding) for letter in _LETTERS for encoding in _ENCODINGS}
    pairs |= {pair for pair in letters if len(pair) == 2 and not pair.isalpha() and not pair[1].isspace()}
    branches = (
        f"{re.escape(first)}[{''.join(re.escape(pair[1]) for pair in group)}]"
        for first, group in groupby(sorted(pairs), key=lambda pair: pair[0])
    )
    return re.compile("|".join(branches))


_PAIRS = _compile_pairs()


def count_mojibake(text: str) -> int:
    """The number of such pairs in `text`."""
    return sum(1 for _ in _PAIRS.finditer(text))
