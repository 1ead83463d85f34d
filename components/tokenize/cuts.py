"""Positions where a text may be cut without changing its tokens.

A cut is between a character `a` and a character `b`. For any L that ends with a, and any R that begins with b,

    tokens(L + R) = tokens(L) followed by rest(R), its spans moved by len(L)

where rest(R) depends only on R. word_cuts.py, run_cuts.py and piece_cuts.py define a and b for three families of
tokenizers, and prove this equation for them; other tokenizers are never cut. The first and the last steps of a
tokenizer are common to all proofs:

*Added tokens* are matched from left to right, the longest of those that begin first, in the text's own characters and
again after normalizing. Special tokens stay text, since `encode_special_tokens` is set; but where one is spelled out,
no other added token is found inside it. So a tokenizer that has only special tokens is accepted as it is. Of another,
no added token may contain a cut: then no match spans one, and the matches in L + R are those in L and those in R. Those
that are not special may look beyond the match, or change what is beyond:

    lstrip         takes the white space before it: a is none, so a match that begins in R takes nothing of L
    rstrip         takes the white space behind it: so a must not be the last character of such a token
    single_word    looks for a letter beside it: not accepted
    a dummy space  is put before the text behind it by some normalizers: so a must not be its last character there

The cut is then inside a stretch between matches, which the proofs treat, or at its start or stop, where nothing is to
be proved.

*Tokens* of a word depend only on the word, in BPE without `dropout`. *Spans* count characters, and every step keeps
them; the post-processor does not change them (see tokenizer.py).
"""

import json
import re
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, models

from byheart.components.tokenize.piece_cuts import DUMMY, SPELL, find_piece_cuts
from byheart.components.tokenize.run_cuts import find_run_cuts
from byheart.components.tokenize.word_cuts import find_word_cuts


class Cuts:
    """Finds the cuts of texts for one tokenizer."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        """Matches a `b` after an `a`."""

    def find(self, text: str, start: int, stop: int) -> np.ndarray:
        """Every position in [start, stop) where `text` may be cut, int64: the index of the character after the cut."""
        return np.fromiter((match.start() for match in self._pattern.finditer(text, start, stop)), np.int64)


def find_cuts(tokenizer: Tokenizer) -> Cuts | None:
    """The cuts of a tokenizer; None where none are proved."""
    if not isinstance(tokenizer.model, models.BPE) or tokenizer.model.dropout or not tokenizer.encode_special_tokens:
        return None
    added = list(tokenizer.get_added_tokens_decoder().values())
    plain = [token for token in added if not token.special]
    normal, words = (
        _read_steps(tokenizer.normalizer, "normalizers"),
        _read_steps(tokenizer.pre_tokenizer, "pretokenizers"),
    )
    pattern = (
        find_word_cuts(normal, words)
        or find_run_cuts(normal, words)
        or find_piece_cuts(normal, words, json.loads(tokenizer.to_str())["model"])
    )
    if pattern is None or not plain:
        return pattern and Cuts(pattern)
    forms = {token.content: _list_forms(token, tokenizer.normalizer, spells_space=SPELL in normal) for token in added}
    if any(token.single_word for token in plain) or any(map(pattern.search, chain.from_iterable(forms.values()))):
        return None
    ends = plain if DUMMY in normal else [token for token in plain if token.rstrip]
    last = sorted({form[-1] for token in ends for form in forms[token.content]})
    return Cuts(re.compile(f"(?<![{re.escape(''.join(last))}])(?:{pattern.pattern})") if last else pattern)


def _list_forms(token: AddedToken, normalizer: Any, *, spells_space: bool) -> set[str]:
    """The texts in which an added token is found: its content, and what becomes its content by normalizing."""
    if not token.normalized or normalizer is None:
        return {token.content}
    normalized = normalizer.normalize_str(token.content)
    return {token.content, normalized.replace("▁", " ") if spells_space else normalized}


def _read_steps(component: Any, members: str) -> list[dict[str, Any]]:
    """The steps of a normalizer or a pre-tokenizer, as tokenizer.json describes them."""
    if component is None:
        return []
    content = json.loads(component.__getstate__())
    return content[members] if content["type"] == "Sequence" else [content]
