"""How the value of a setting may be written, and how it is kept: what people and older guides write has one meaning.

    mesh_shape=(1, 8)    1x8            spot=yes               true
    precision=FLOAT16    float16        accelerator=v6e-8      v6e-2x4

What has no meaning, or two, is left as it is, and whoever checks it says how to write it.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

WORDS: Mapping[str, tuple[str, ...]] = {
    "preset": ("none", "paper", "marin"),
    "gutenberg": ("keep", "cut"),
    "on_bad_book": ("fail", "skip"),
    "bos": ("auto", "true", "false"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "coverage": ("suffix", "window"),
    # sequential, which keeps its order in grey and for the colour-blind
    "colormap": ("viridis", "cividis", "magma", "inferno", "plasma", "Blues", "Greys", "Oranges", "Purples", "Reds"),
}
"""Settings that are one of a few words."""

PAIRS = ("mesh_shape", "figsize")
"""Settings that are two numbers, as 1x8."""

_BOOLEANS = {word: word in ("true", "yes", "on", "1") for word in ("true", "yes", "on", "1", "false", "no", "off", "0")}

_BY_CHIPS = {1: "1x1", 4: "2x2", 8: "2x4", 16: "4x4", 32: "4x8", 64: "8x8", 128: "8x16", 256: "16x16"}
_BY_CORES = {8: "2x2x1", 16: "2x2x2", 32: "2x2x4", 64: "2x4x4", 128: "4x4x4"}
"""Two to a chip; larger slices of one size have several shapes."""
_COUNTED = {"v6e": ("v6e", _BY_CHIPS), "v5e": ("v5e", _BY_CHIPS), "v5litepod": ("v5e", _BY_CHIPS)} | {
    generation: (generation, _BY_CORES) for generation in ("v4", "v5p")
}
"""Cloud TPU's accelerator types: a generation, and how many chips or cores (cloud.google.com/tpu/docs)."""

_ALIASES: Mapping[str, Mapping[str, str]] = {
    "precision": {
        **dict.fromkeys(("fp32", "f32"), "float32"),
        **dict.fromkeys(("fp16", "f16", "half"), "float16"),
        "bf16": "bfloat16",
    },
    "bos": {word: str(value).lower() for word, value in _BOOLEANS.items()},
    "colormap": {"grays": "Greys"},
    "chapters": {"auto": "auto", "none": "none"},
    "accelerator": {
        "gpu": "gpu-1",
        **{
            f"{written}-{count}": f"{generation}-{topology}"
            for written, (generation, topologies) in _COUNTED.items()
            for count, topology in topologies.items()
        },
    },
}
"""Other words, in small letters, for those that are kept."""

_SPELLED = {
    name: {word.lower(): word for word in WORDS.get(name, ())} | dict(_ALIASES.get(name, {}))
    for name in (*WORDS, *_ALIASES)
}

_ACCELERATOR = re.compile(r"auto|cpu|(?:gpu|v[0-9][a-z0-9]*|tpu[0-9][a-z0-9]*)-[0-9]+(?:x[0-9]+)*")
_BRACKETS = re.compile(r"\((.*)\)|\[(.*)\]")
_SIDE = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_PAIR = re.compile(rf"{_SIDE}\s*[x×,]\s*{_SIDE}")
_BYTES = re.compile(r"([0-9]{1,6})\s*(?:([mgtMGT])[iI][bB]?|([MGT]))")
_SOME_BYTES = re.compile(r"([1-9][0-9]{0,5})\s*([mgt])?[a-z]*", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.0)?")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?[eE]\+?[0-9]")
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(r"([-+]?[0-9]{1,3})((?:[,.' ][0-9]{3})+)")
_COMMA = re.compile(r"([-+]?[0-9]+),([0-9]+)")


def respell(name: str, value: Any, kind: type) -> Any:
    """A setting's value as it is kept, if it has that one meaning; else as it was.

    Args:
        value: as it was written: a text, or what JSON made of it.
        kind: the setting's type.
    """
    if (kind is bool or name == "bos") and not isinstance(value, list | dict) and value in (0, 1):
        return bool(value) if kind is bool else str(bool(value)).lower()
    if name in PAIRS and isinstance(value, list) and [type(side) in (int, float) for side in value] == [True, True]:
        return _pair(",".join(map(str, value))) or value
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in _SPELLED and text.lower() in _SPELLED[name]:
        return _SPELLED[name][text.lower()]
    if name in _TEXTS:
        return _TEXTS[name](text) or value
    if kind is bool:
        return _BOOLEANS.get(text.lower(), value)
    return _read_number(text, kind, value)


def suggest_pair(value: Any) -> str:
    """How to write a pair that could not be read: as it was meant, where two whole numbers stand in it."""
    numbers = _NUMBER.findall(str(value))
    if len(numbers) == 2 and all(number.isdecimal() and 0 < int(number) < 10**6 for number in numbers):
        return f"write {int(numbers[0])}x{int(numbers[1])}"
    return "write two numbers with an x between them"


def suggest_memory(value: str) -> str:
    """How to write an amount of memory that could not be read."""
    found = _SOME_BYTES.fullmatch(value.strip())
    return f"write auto, or a number with Mi, Gi or Ti, as {found[1] + (found[2] or 'G').upper() if found else '32G'}i"


def suggest_number(value: Any, kind: type) -> str:
    """How to write a number that could not be read: as it was meant, where that can be told."""
    text = value.strip() if isinstance(value, str) else ""
    grouped = _GROUPED.fullmatch(text)
    if grouped and int(grouped[1]):
        first, rest = grouped.groups()
        meant = [first + re.sub(r"[^0-9]", "", rest)]
        if len(rest) == 4 and rest[0] in ",." and (kind is float or (float(rest[1:]) == 0 and rest[0] == ".")):
            meant.append(f"{float(f'{first}.{rest[1:]}'):g}")  # a comma or a point may divide either
        return f"write {' or '.join(meant)}"
    if kind is float and (comma := _COMMA.fullmatch(text)):
        return f"write {comma[1]}.{comma[2]}"
    return "give one"


def _read_number(text: str, kind: type, otherwise: Any) -> Any:
    """The number that a text is; `10.000` is none, since it is ten thousand to some people."""
    try:
        if kind is float:
            return float(text)
        if kind is int and _WHOLE.fullmatch(text):
            return int(text.removesuffix(".0"))
        if kind is int and _EXPONENT.fullmatch(text) and Decimal(text) % 1 == 0:
            return int(Decimal(text))
    except ValueError:
        pass
    return otherwise


def _accelerator(text: str) -> str | None:
    """`V6E-2X4` as `v6e-2x4`."""
    name = text.lower().replace("×", "x")
    return name if _ACCELERATOR.fullmatch(name) else None


def _pair(text: str) -> str | None:
    """`(20, 3.0)` as `20x3`."""
    if text.lower() == "auto":
        return "auto"
    bracketed = _BRACKETS.fullmatch(text)
    inner = next(part for part in bracketed.groups() if part is not None) if bracketed else text
    pair = _PAIR.fullmatch(inner.strip().lower())
    return "x".join(f"{Decimal(side).normalize():f}" for side in pair.groups()) if pair else None


def _memory(text: str) -> str | None:
    """`64 GiB` as `64Gi`, and `64 G` as `64G`; `64GB` and `64g` are either, to one or another."""
    if text.lower() == "auto":
        return "auto"
    found = _BYTES.fullmatch(text)
    return f"{int(found[1])}" + (f"{found[2].upper()}i" if found[2] else found[3]) if found else None


_TEXTS: Mapping[str, Callable[[str], str | None]] = {
    **dict.fromkeys(PAIRS, _pair),
    "accelerator": _accelerator,
    "memory": _memory,
    "encoding": str.lower,
}
