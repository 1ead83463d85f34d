r"""Cuts for BPE with words, which a pre-tokenizer makes, such as GPT-2's, Llama 3's and most since.

There are two kinds of cuts:

    a is not white space                  b is a space, U+0020
    a is a kana or a unified ideograph    b is a mark of Chinese and Japanese punctuation

and rest(R) is tokens(R). cuts.py has the equation to prove, and the conditions on added tokens.

*Normalizers*: none, or NFC. No b combines with the character before it, and each b is a starter that NFC keeps. So
NFC(L + R) = NFC(L) + NFC(R) (UAX #15, section 5.1), and NFC(R) begins with b. NFC(L) ends with a character that is an a
of the same kind: NFC makes white space only from white space, and keeps an a of the second kind.

*Words* are what the pre-tokenizer makes. Its pattern is one of `_WORDS`: alternatives, tried in order, of items that
each match one character, repeated or not. Each pattern has four properties, which can be read from it:

 1. A space is matched by the first item of an alternative, at most once, or by `\s`, and then the alternative has
    matched only white space before it.
 2. A b of the second kind is matched by an item before which its alternative matches no letter.
 3. The only look-around is `(?!\S)`, after `\s+`.
 4. Some alternative matches b alone.

A match attempt that begins in L and reaches b has matched a. By 1 and 2 no item can match b next, so the attempt fails,
backtracks or stops there, as it does at the end of L. By 3 it does not look at b either, since the `\s+` before a
look-around did not match a. So the matches in L are those of L alone. By 4 the next match begins at b, or earlier where
L's last characters are in no match. Nothing looks back from there, so the other matches are those of R alone.
`ByteLevel` with `use_regex` has GPT-2's pattern built in.

In a `Sequence` each step splits the pieces of the step before. Before the first step that makes words there may be
steps that separate runs of digits, of punctuation, or of kana and ideographs (`_is_of_runs`). No such run spans a cut,
and digits are counted from the start of their run. So these steps split L + R as they split L and R, except for one
piece that may span the cut: its part in L ends with a, its part in R begins with b, and the first step that makes words
cuts it there. After that step no piece spans the cut. What a step makes of a piece depends only on the piece, and what
BPE makes of a word only on the word, with `ignore_merges` or without.
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
    "Seed": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{_SPACES}",
    "Seed, spelled out": (
        rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{_SPACES}"
    ),
    "tiktoken's GPT-4": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
        r"|\s+(?!\S)|\s+"
    ),
    "Ling": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
        r"|\s+(?!\S)|\s+"
    ),
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
"""Patterns that make words, by their publishers."""
_RUNS = {r"\p{N}{1,3}", r"\p{N}", "[0-9][0-9][0-9]", "[一-龥぀-ゟ゠-ヿ]+", r"[\p{P}\$\+<=>\^~\|`]+"}


def find_word_cuts(normalizers: list[dict[str, Any]], pre_tokenizers: list[dict[str, Any]]) -> re.Pattern[str] | None:
    """The pattern of cuts of a tokenizer that has these steps; None where nothing is proved of them."""
    if normalizers not in ([], [{"type": "NFC"}]) or not _do_cut_words(pre_tokenizers):
        return None
    return CUT


def _do_cut_words(steps: list[dict[str, Any]]) -> bool:
    """Whether every step is known, and one of them splits the piece that spans a cut."""
    before = list(itertools.takewhile(lambda step: not _is_of_words(step), steps))
    after = steps[len(before) + 1 :]
    return (
        len(before) < len(steps)
        and all(_is_of_runs(step) for step in before)
        and all(_is_of_runs(step) or _is_of_words(step) or _is_to_bytes(step) for step in after)
    )


def _is_to_bytes(step: dict[str, Any]) -> bool:
    return step["type"] == "ByteLevel" and not step["use_regex"] and not step["add_prefix_space"]


def _is_of_words(step: dict[str, Any]) -> bool:
    if step["type"] == "ByteLevel":
        return step["use_regex"] and not step["add_prefix_space"]
    # Each match is a word, whether the text between matches is kept (Isolated) or left out (Removed, inverted).
    return _read_pattern(step) in _WORDS.values() and (step["behavior"], step["invert"]) in (
        ("Isolated", False),
        ("Removed", True),
    )


def _is_of_runs(step: dict[str, Any]) -> bool:
    if step["type"] == "Punctuation":
        return step["behavior"] in ("Isolated", "Contiguous")
    if step["type"] == "Split":
        return _read_pattern(step) in _RUNS and (step["behavior"], step["invert"]) == ("Isolated", False)
    return step["type"] == "Digits"


def _read_pattern(step: dict[str, Any]) -> str | None:
    """The regular expression of a `Split`, its line breaks with a backslash and quotes without: publishers differ."""
    pattern = step["pattern"].get("Regex") if step["type"] == "Split" else None
    return pattern and pattern.replace("\r", r"\r").replace("\n", r"\n").replace(r"\"", '"')
