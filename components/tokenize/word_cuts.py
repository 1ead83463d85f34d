r"""Cuts for BPE of the words that a pre-tokenizer makes, as GPT-2's, Llama 3's and most since.

A cut is of one of two kinds:

    a is not white space                  b is a space, U+0020
    a is a kana or a unified ideograph    b is a mark of Chinese and Japanese punctuation

and rest(R) is tokens(R) (see cuts.py for what is to be shown, and what added tokens must be like).

*Normalizers*: none, or NFC. No b combines with what is before it, and each is a starter that NFC keeps: so NFC(L + R)
= NFC(L) + NFC(R) (UAX #15, section 5.1), NFC(R) begins with b, and NFC(L) ends with a character like a: NFC makes
white space of white space only, and nothing else of an a of the second kind.

*Words*, that is, what the pre-tokenizer makes. Take the patterns of `_WORDS`: alternatives, tried in order, of items
each of which matches one character, repeated or not. For each of them one can read off that

 1. a space is matched by the first item of an alternative, once at most, or by `\s`, before which its alternative
    matches white space alone;
 2. b of the second kind is matched by an item before which its alternative matches no letter;
 3. it looks around itself only by `(?!\S)`, behind `\s+`;
 4. some alternative matches b alone.

An attempt that begins in L and comes to b has matched a. By 1 and 2 no item matches b then, so that the attempt
fails, goes back or stops there as it does at the end of L; and by 3 it never looks at b, since the `\s+` before it did
not match a. So the matches in L are those of L alone. By 4 the next one begins at b, or earlier if L's last characters
are in none and stay so; nothing looks back from there, so that the others are those of R alone. `ByteLevel` with
`use_regex` has GPT-2's pattern built in.

In a `Sequence` each step splits what the last left. Before the first of the above may stand steps that part runs of
digits, of punctuation or of kana and ideographs from the rest (`_is_of_runs`). No such run goes on from a to b, and
digits are counted from where theirs begins. So these split L + R as they split L and R, but for one piece that may
reach across the cut; it ends L's part with a and begins R's with b, and the step that follows cuts it. Behind that
step no piece reaches across, and what a step makes of a piece depends on this piece alone, and so does what BPE makes
of a word, `ignore_merges` or not.
"""

import itertools
import re
from typing import Any

CUT = re.compile(r"(?<=\S) |(?<=[ぁ-ゖァ-ヺ一-龥])[、。「」『』，！？：；]")
r"""Python's `\s` holds the white space of tokenizers, and U+001C to U+001F."""

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = {
    "GPT-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "GPT-4, Llama 3": (
        rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
    ),
    "Qwen 2": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
    "Qwen 3.5": (
        rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
        rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{_SPACES}"
    ),
    "GPT-4o, Llama 4": (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?"
        rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
    ),
    "Mistral's Tekken": (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
        rf"|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
    ),
    "DeepSeek": (
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
        rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{_SPACES}"
    ),
}
"""By who published it."""
_RUNS = {r"\p{N}{1,3}", r"\p{N}", "[0-9][0-9][0-9]", "[一-龥぀-ゟ゠-ヿ]+"}


def word_cuts(normalizers: list[dict[str, Any]], pre_tokenizers: list[dict[str, Any]]) -> re.Pattern[str] | None:
    """Where the words that these steps make can be cut, if all the steps are known."""
    if normalizers not in ([], [{"type": "NFC"}]) or not _cuts_words(pre_tokenizers):
        return None
    return CUT


def _cuts_words(steps: list[dict[str, Any]]) -> bool:
    """Whether every step is known, and one of them cuts the piece that reaches across a cut."""
    before = list(itertools.takewhile(lambda step: not _is_of_words(step), steps))
    behind = steps[len(before) + 1 :]
    return (
        len(before) < len(steps)
        and all(_is_of_runs(step) for step in before)
        and all(_is_of_runs(step) or _is_of_words(step) or _is_to_bytes(step) for step in behind)
    )


def _is_to_bytes(step: dict[str, Any]) -> bool:
    return step["type"] == "ByteLevel" and not step["use_regex"] and not step["add_prefix_space"]


def _is_of_words(step: dict[str, Any]) -> bool:
    if step["type"] == "ByteLevel":
        return step["use_regex"] and not step["add_prefix_space"]
    # Where the matches are kept and what lies between is left out, or kept as well, each match is a word.
    return _pattern(step) in _WORDS.values() and (step["behavior"], step["invert"]) in (
        ("Isolated", False),
        ("Removed", True),
    )


def _is_of_runs(step: dict[str, Any]) -> bool:
    if step["type"] == "Punctuation":
        return step["behavior"] in ("Isolated", "Contiguous")
    if step["type"] == "Split":
        return _pattern(step) in _RUNS and (step["behavior"], step["invert"]) == ("Isolated", False)
    return step["type"] == "Digits"


def _pattern(step: dict[str, Any]) -> str | None:
    """The regular expression of a `Split`, its line breaks spelled out, as some publish them and others do not."""
    pattern = step["pattern"].get("Regex") if step["type"] == "Split" else None
    return pattern and pattern.replace("\r", r"\r").replace("\n", r"\n")
