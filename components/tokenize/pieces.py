"""The text of every token, as a page shows it.

A token of a byte-level vocabulary, or a piece <0x0A> that stands for a byte, is decoded as UTF-8. Bytes that are no
character by themselves stand as ‹C3›. What a decoder writes for part of a token, such as a space for ▁, is written;
what it does to a whole text, such as cutting the space in front, is not.
"""

import codecs
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from tokenizers import Tokenizer as Backend

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_ERRORS = "byheart.bytes"


def list_pieces(backend: Backend) -> list[str]:
    """The text of each token, by its id; empty where the tokenizer has no such id. Special tokens are their content."""
    steps = list(_list_steps(backend.decoder))
    added = backend.get_added_tokens_decoder()
    by_id = {number: token for token, number in backend.get_vocab(with_added_tokens=True).items()}
    pieces = [""] * (max([*by_id, *added], default=-1) + 1)
    for number, token in by_id.items():
        pieces[number] = _read_token(token, steps)
    for number, token_added in added.items():
        pieces[number] = _read_added(token_added.content, steps, special=token_added.special)
    return pieces


def _read_token(token: str, steps: list[dict[str, Any]]) -> str:
    if _has(steps, "ByteLevel") and all(character in _list_bytes() for character in token):
        return bytes(_list_bytes()[character] for character in token).decode(errors=_ERRORS)
    if _has(steps, "ByteFallback") and (match := _BYTE.fullmatch(token)):
        return bytes.fromhex(match[1]).decode(errors=_ERRORS)
    return functools.reduce(_apply, steps, token)


def _read_added(content: str, steps: list[dict[str, Any]], *, special: bool) -> str:
    """The text of an added token: it stands in the vocabulary as it stands in a text."""
    if _has(steps, "ByteFallback") and _BYTE.fullmatch(content):
        return _read_token(content, steps)
    return content if special else functools.reduce(_apply, steps, content)


def _apply(token: str, step: dict[str, Any]) -> str:
    """What a step of a decoder makes of a single token inside a text."""
    match step:
        case {"type": "Metaspace", "replacement": mark}:
            return token.replace(mark, " ")
        case {"type": "Replace", "pattern": {"String": mark}, "content": content}:
            return token.replace(mark, content)
        case {"type": "WordPiece", "prefix": prefix}:
            return token.removeprefix(prefix)
        case {"type": "BPEDecoder", "suffix": suffix} if suffix and token.endswith(suffix):
            return f"{token.removesuffix(suffix)} "
    return token


def _list_steps(decoder: Any) -> Iterator[dict[str, Any]]:
    """The steps of a decoder, as tokenizer.json writes them."""
    if decoder is None:
        return
    content = json.loads(decoder.__getstate__())
    yield from content["decoders"] if content["type"] == "Sequence" else [content]


def _has(steps: list[dict[str, Any]], kind: str) -> bool:
    return any(step["type"] == kind for step in steps)


@functools.cache
def _list_bytes() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for.

    Source: bytes_to_unicode in OpenAI's GPT-2: visible characters of Latin-1 stand for themselves, the other bytes, in
    their order, for the characters from U+0100.
    """
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + index): byte for index, byte in enumerate(others)}


def _show_bytes(error: UnicodeError) -> tuple[str, int]:
    """Each byte that is no character, in its place."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"‹{byte:02X}›" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _show_bytes)
