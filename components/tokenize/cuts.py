"""Where a text may be cut so that the tokens of its parts are those of the whole.

A cut lies between a character `a` and a character `b`. For any L that ends with a, and any R that begins with b,

    tokens(L + R) = tokens(L) followed by rest(R), its spans moved by len(L)

where rest(R) depends on R alone, whatever else L and R hold, where they begin and stop included. Which a and b these
are, and why, say word_cuts.py and piece_cuts.py, for two families of tokenizers; a tokenizer that they do not name is
never cut. What is common to both comes first and last in a tokenizer:

*Added tokens* are found from left to right, the longest of those that begin first, among the text's own characters
and again after normalizing. Accepted are those in whose content there is no cut: then no match lies across one, so
those in L + R are those in L and those in R. Stripping white space or asking for whole words looks beyond the match:
not accepted, except of special tokens, which `encode_special_tokens` leaves as text. What lies between the matches is
cut at b, or b begins or a stops such a stretch and there is nothing to show.

*Tokens* of a word are what BPE makes of this word alone; but not with `dropout`, which draws. *Spans* count characters,
and each step keeps where it came from; the post-processor leaves them alone (see tokenizer.py).
"""

import json
import re
import unicodedata
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models

from byheart.components.tokenize.piece_cuts import piece_cuts
from byheart.components.tokenize.word_cuts import word_cuts


class Cuts:
    """The cuts of texts for one tokenizer."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        """Matches a b that has an a before it."""

    def within(self, text: str, start: int, stop: int) -> np.ndarray:
        """int64: every position from `start` to before `stop` where `text` may be cut; its second part begins there."""
        return np.fromiter((match.start() for match in self._pattern.finditer(text, start, stop)), np.int64)


def find_cuts(tokenizer: Tokenizer) -> Cuts | None:
    """What is proved of this tokenizer; None if nothing is."""
    if not isinstance(tokenizer.model, models.BPE) or tokenizer.model.dropout or not tokenizer.encode_special_tokens:
        return None
    added = list(tokenizer.get_added_tokens_decoder().values())
    plain = [token for token in added if not token.special]
    steps = _steps(tokenizer.normalizer, "normalizers"), _steps(tokenizer.pre_tokenizer, "pretokenizers")
    pattern = word_cuts(*steps)
    if pattern is None:
        model = json.loads(tokenizer.to_str())["model"]
        pattern = piece_cuts(*steps, model, has_added_tokens=bool(plain))
    if pattern is None or any(token.single_word or token.lstrip or token.rstrip for token in plain):
        return None
    return None if any(pattern.search(form) for token in added for form in _forms(token.content)) else Cuts(pattern)


def _forms(content: str) -> tuple[str, ...]:
    """An added token's content, and as what texts it may match once they are normalized."""
    return content, unicodedata.normalize("NFC", content), content.replace("▁", " ")


def _steps(part: Any, members: str) -> list[dict[str, Any]]:
    """What a normalizer or a pre-tokenizer does, as its file says it."""
    if part is None:
        return []
    content = json.loads(part.__getstate__())
    return content[members] if content["type"] == "Sequence" else [content]
