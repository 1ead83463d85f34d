"""Changes of inputs: of their bytes, and of the values of JSON documents."""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

_RAW = {
    "raw:deep": "[" * 60_000 + "]" * 60_000,
    "raw:objects": '{"a":' * 60_000 + "1" + "}" * 60_000,
    "raw:fifty": "[" * 49 + "]" * 49,
    "raw:digits": "9" * 5_000,
    "raw:power": "1e999",
    "raw:twice": '{"a": 1, "a": [], "model_type": 1, "model_type": "llama"}',
}
"""What stands in a document for these texts: the encoder of `json` would refuse some of it."""
NUMBERS = [0, 1, -1, 2, 3, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30]
_ODD: list[Any] = [
    *(None, True, False, 0.5, 1.0, -0.0, 1e-300, 5e-324, 1e15, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", " ", "x", "x" * 3_000, "\x1b[2J\x07", "\u202e", "\u2028", "\ud800", "\0", "../../outside", "/outside"),
    *("1", "1e999", "NaN", "https://user:secret@host/?token=1", "\xe9", "e\u0301", "\U0001f642", "\uffff"),
    *([], {}, [[]], [1], [None], ["x"], {"": None}, {"a": {"a": {"a": 1}}}, [0] * 1_000),
]
_WORDS = [b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]"]
_WIDTHS = (1, 2, 4, 8)


def change_bytes(data: bytes, random: Random, words: Sequence[bytes] = ()) -> bytes:
    """An input with one to four changes.

    Args:
        words: of the input's language; some of them are put into it.
    """
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(changed))
        match random.randint(0, 11 if words else 7):
            case 0:
                changed[at : at + 1] = random.randbytes(1)
            case 1:
                width = random.choice(_WIDTHS)
                number = random.choice([*NUMBERS, random.getrandbits(64)])
                changed[at : at + width] = (number % 256**width).to_bytes(width, random.choice(("little", "big")))
            case 2:
                del changed[at : at + random.randint(1, 64)]
            case 3:
                del changed[at:]
            case 4:
                changed[at:at] = bytes(changed[at : at + random.randint(1, 64)]) * random.choice((1, 2, 300))
            case 5:
                start = random.randint(0, len(changed))
                changed[at:at] = bytes(changed[start : start + random.randint(1, 200)])
            case 6:
                changed[at:at] = random.choice([*_WORDS, random.randbytes(random.randint(1, 16))])
            case 7:
                stop = at + random.randint(1, 64)
                changed[at:stop] = bytes(changed[at:stop][::-1])
            case _:
                changed[at:at] = random.choice(words)
    return bytes(changed)


def change_json(data: bytes, random: Random) -> bytes:
    """A document with changed values, and sometimes with changed bytes; only these if it is no document."""
    try:
        changed = encode(change_document(json.loads(data), random))
    except (ValueError, RecursionError):
        changed = data
    return change_bytes(changed, random) if changed == data or not random.randint(0, 5) else changed


def encode(document: Any) -> bytes:
    """A changed document as JSON."""
    text = json.dumps(document)
    for name, raw in _RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()


def change_document(document: Any, random: Random) -> Any:
    """The value of a document with one to four changes; `encode` makes JSON of it."""
    for _ in range(random.randint(1, 4)):
        places = _list_places(document)
        if not places or not random.randint(0, 40):
            return choose_odd(random)
        container, key = random.choice(places)
        value = container[key]
        match random.randint(0, 7):
            case 0 | 1 | 2:
                container[key] = choose_odd(random)
            case 3:
                del container[key]
            case 4:
                other, other_key = random.choice(places)
                container[key] = copy.deepcopy(other[other_key])
            case 5 if type(value) is float or (type(value) is int and value.bit_length() < 500):
                container[key] = random.choice((-1, 0.5, 2, 1_000, 2**31)) * value
            case 6 if isinstance(container, dict):
                container[random.choice(("x", "", "\x1b", "x" * 3_000, *map(str, container)))] = choose_odd(random)
            case 6:
                container.insert(key, copy.deepcopy(value))
            case _:
                container[key] = [value]
    return document


def choose_odd(random: Random) -> Any:
    """A value that documents do not have where it is."""
    text = "".join(map(chr, random.choices(range(0x20, 0x2FF), k=random.randint(0, 8))))
    small = [random.randint(-9, 99), random.random() * 10 ** random.randint(-9, 9), text]
    return copy.deepcopy(random.choice(random.choice((NUMBERS, _ODD, list(_RAW), small))))


def _list_places(document: Any) -> list[tuple[Any, Any]]:
    """Every value of a document, by what holds it and where; at most some hundred of a long list."""
    places: list[tuple[Any, Any]] = []
    left = [document]
    while left:
        container = left.pop()
        if isinstance(container, dict | list):
            keys = list(container) if isinstance(container, dict) else range(min(len(container), 200))
            places += [(container, key) for key in keys]
            left += [container[key] for key in keys]
    return places
