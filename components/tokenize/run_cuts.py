r"""Cuts for BPE behind steps that each separate runs of one kind of character, as in DeepSeek's models before V3.

Each step is one of these, where X is a set of characters without the space:

    X      \s?X      a character, with the white space before it or without
    X+     \s?X+     the longest run of such characters
    \s+$             white space at the end of a piece or of a line
    Digits           X is the digits

b is a space. a is an ASCII letter, digit or punctuation mark, or a curly quotation mark, in the X of some step. rest(R)
is tokens(R); cuts.py has the equation to prove, and the conditions on added tokens.

A match that spans the cut would match a and then a space. No step does so: a is no white space, and a space is matched
only by the `\s` that stands first. `\s+$` does not see the cut either: white space before it is followed by a or by
what is before a. So each step finds the matches of L in L, and those of R in R. A step whose X holds a has a match that
ends with a, so it cuts the piece there. What a later step makes of a piece, and BPE of the last ones, depends only on
the piece. There is no normalizer.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

_BEFORE = [chr(point) for point in range(0x21, 0x7F)] + list("‘’“”")
_STEP = re.compile(r"(?:\\s\?)?(?P<set>\[(?!\^)(?:[^\[\]\\&]|\\[rn])+\]|\\p\{[LPN]\})\+?")
_CATEGORY = re.compile(r"\\p\{(.)\}")


def find_run_cuts(normalizers: list[dict[str, Any]], pre_tokenizers: list[dict[str, Any]]) -> re.Pattern[str] | None:
    """The pattern of cuts of a tokenizer that has these steps; None where nothing is proved of them."""
    *steps, to_bytes = pre_tokenizers or [{}]
    if normalizers or (to_bytes.get("type"), to_bytes.get("use_regex"), to_bytes.get("add_prefix_space")) != (
        "ByteLevel", False, False,
    ):  # fmt: skip
        return None
    before: set[str] = set()
    for step in steps:
        is_in_set = _read_set(step)
        if is_in_set is None or is_in_set(" "):
            return None
        before.update(filter(is_in_set, _BEFORE))
    return re.compile(f"(?<=[{re.escape(''.join(sorted(before)))}]) ") if before else None


def _read_set(step: dict[str, Any]) -> Callable[[str], bool] | None:
    """Whether a character is in a step's X; None if the step is another."""
    if step["type"] == "Digits":
        return str.isdecimal
    if step["type"] != "Split" or (step["behavior"], step["invert"]) != ("Isolated", False):
        return None
    pattern = step["pattern"].get("Regex", "")
    if pattern == r"\s+$":
        return lambda _: False
    found = _STEP.fullmatch(pattern)
    if found is None:
        return None
    if category := _CATEGORY.fullmatch(found["set"]):
        return lambda character: unicodedata.category(character)[0] == category[1]
    return lambda character: re.fullmatch(found["set"], character) is not None
