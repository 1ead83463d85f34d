"""Positions where a text may be cut without changing its tokens.

A cut is between a character `a` and a character `b`. For any L that ends with a, and any R that begins with b,

    tokens(L + R) = tokens(L) followed by rest(R), its spans moved by len(L)

where rest(R) depends only on R. word_cuts.py and piece_cuts.py define a and b for two families of tokenizers, and prove
this equation for them; other tokenizers are never cut. The first and the last steps of a tokenizer are common to both
proofs:

*Added tokens* are matched from left to right, the longest of those that begin first, in the text's own characters and
again after normalizing. A tokenizer is accepted only if no added token contains a cut: then no match spans a cut, and
the matches in L + R are those in L and those in R. Added tokens that strip white space or must be whole words depend on
characters outside the match, so they are not accepted; special tokens may do so, since `encode_special_tokens` leaves
them as text. The cut is then inside a stretch between matches, which the two proofs treat, or at its start or stop,
where nothing is to be proved.

*Tokens* of a word depend only on the word, in BPE without `dropout`. *Spans* count characters, and every step keeps
them; the post-processor does not change them (see tokenizer.py).
"""

import json
import re
import unicodedata
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models

from byheart.components.tokenize.piece_cuts import find_piece_cuts
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
    steps = _read_steps(tokenizer.normalizer, "normalizers"), _read_steps(tokenizer.pre_tokenizer, "pretokenizers")
    pattern = find_word_cuts(*steps)
    if pattern is None:
        model = json.loads(tokenizer.to_str())["model"]
        pattern = find_piece_cuts(*steps, model, has_added_tokens=bool(plain))
    if pattern is None or any(token.single_word or token.lstrip or token.rstrip for token in plain):
        return None
    if any(pattern.search(form) for token in added for form in _list_forms(token.content)):
        return None
    return Cuts(pattern)


def _list_forms(content: str) -> tuple[str, ...]:
    """An added token's content, and the normalized texts that it may match."""
    return content, unicodedata.normalize("NFC", content), content.replace("▁", " ")


def _read_steps(component: Any, members: str) -> list[dict[str, Any]]:
    """The steps of a normalizer or a pre-tokenizer, as tokenizer.json describes them."""
    if component is None:
        return []
    content = json.loads(component.__getstate__())
    return content[members] if content["type"] == "Sequence" else [content]
