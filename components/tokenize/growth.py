"""Whether a tokenizer may make much more of a text than it is: tokenizers ends the process when memory does.

A normalizer that writes 100 million letters for each e, or a prefix that long before each piece, takes all memory; so
does a row of normalizers that each double the text. What is read here is what tokenizers writes for each character, and
the product over all of them must be small.
"""

import base64
import json
from typing import Any

from tokenizers import Tokenizer as Backend

from byheart.contracts.errors import ModelError
from byheart.store import Place

MOST_BYTES = 200_000_000
"""Five times the largest tokenizer.json that is published."""
MOST_GROWTH = 200
"""NFKC writes 18 characters, or 33 bytes, for one; some tokenizers apply it twice with a few marks."""
MOST_IDS = 2**24
"""Sixty times the largest vocabulary that is published; a table has a row for each id below the largest."""
_TEXTS = ("content", "prepend", "replacement", "prefix", "suffix")
"""Fields of normalizers and pre-tokenizers whose text is written for a character, or for a word."""
_OF_MODELS = ("continuing_subword_prefix", "end_of_word_suffix")


def check_size(place: Place, name: str) -> None:
    """Refuse a file that no tokenizer needs.

    Raises:
        ModelError: it has more than `MOST_BYTES`.
    """
    stored = place.find(name)
    if stored and stored.size_bytes > MOST_BYTES:
        raise ModelError(
            f"{place.locate(name)} must have at most {MOST_BYTES:,} bytes, found {stored.size_bytes:,}: fetch the "
            "model again",
            parameter="model",
        )


def check_growth(data: bytes, where: str) -> None:
    """Refuse a tokenizer.json that writes more than `MOST_GROWTH` characters for one.

    Raises:
        ModelError: it does.
    """
    try:
        content = json.loads(data)
        growth = _measure(content.get("normalizer")) * _measure(content.get("pre_tokenizer"))
        model = content.get("model") or {}
        growth *= max(len(str(model.get(name) or "")) + 1 for name in _OF_MODELS)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return  # tokenizers refuses it too, and says why
    if growth > MOST_GROWTH:
        raise ModelError(
            f"{where} must write at most {MOST_GROWTH} characters for one, found {growth:,.0f}: it would take all "
            "memory; choose another tokenizer",
            parameter="model",
        )


def check_ids(backend: Backend, where: str) -> None:
    """Refuse a tokenizer with an id that no vocabulary needs.

    Raises:
        ModelError: one is `MOST_IDS` or more.
    """
    largest = max([*backend.get_vocab(with_added_tokens=True).values(), *backend.get_added_tokens_decoder()], default=0)
    if largest >= MOST_IDS:
        raise ModelError(
            f"{where} must number its tokens below {MOST_IDS:,}, found {largest:,}: fetch the model again",
            parameter="model",
        )


def _measure(part: Any) -> float:
    """The most characters that a normalizer or pre-tokenizer, and those within it, write for one."""
    if isinstance(part, list):
        growth = 1.0
        for item in part:
            growth *= _measure(item)
        return growth
    if not isinstance(part, dict):
        return 1.0
    growth = 1.0 + sum(max(len(part[name]) - 1, 0) for name in _TEXTS if isinstance(part.get(name), str))
    if isinstance(charsmap := part.get("precompiled_charsmap"), str):
        growth *= _measure_charsmap(base64.b64decode(charsmap))
    within = [value for value in part.values() if isinstance(value, list | dict)]
    return growth * _measure(within)


def _measure_charsmap(data: bytes) -> float:
    """The longest text of sentencepiece's map: its size, a trie of that size, and texts that NULs end."""
    texts = data[4 + int.from_bytes(data[:4], "little") :]
    return max(1.0, *(len(text.decode(errors="replace")) for text in texts.split(b"\0")))
