"""Converts the spellings that people and older guides use for a setting's value into the one that is kept.

    mesh_shape=(1, 8)    1x8            spot=yes               true
    precision=FLOAT16    float16        accelerator=v6e-8      v6e-2x4

A spelling without a meaning, or with two, is left unchanged; the check that refuses it says how to write the value.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

AUTO_COLORMAP = "auto"
"""The colours of the report."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "preset": ("none", "paper", "marin"),
    "gutenberg": ("keep", "cut"),
    "on_bad_book": ("fail", "skip"),
    "bos": ("auto", "true", "false"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "logits_dtype": ("float16", "float32"),
    "coverage": ("suffix", "window"),
    # sequential, which keeps its order in grey and for the colour-blind
    "colormap": (
        *(AUTO_COLORMAP, "viridis", "cividis", "magma", "inferno", "plasma"),
        *("Blues", "Greys", "Oranges", "Purples", "Reds"),
    ),
}
"""The words that a setting may be, for settings that are one of a few words."""

PAIRS = ("mesh_shape", "figsize")
"""Settings that are two numbers, such as 1x8."""

_BOOLEANS = {word: word in ("true", "yes", "on", "1") for word in ("true", "yes", "on", "1", "false", "no", "off", "0")}

_BY_CHIPS = {1: "1x1", 4: "2x2", 8: "2x4", 16: "4x4", 32: "4x8", 64: "8x8", 128: "8x16", 256: "16x16"}
_BY_CORES = {8: "2x2x1", 16: "2x2x2", 32: "2x2x4", 64: "2x4x4", 128: "4x4x4"}
"""Two cores are one chip. Larger slices are missing, since one size has several shapes."""
_COUNTED = {"v6e": ("v6e", _BY_CHIPS), "v5e": ("v5e", _BY_CHIPS), "v5litepod": ("v5e", _BY_CHIPS)} | {
    generation: (generation, _BY_CORES) for generation in ("v4", "v5p")
}
"""Cloud TPU's names: a generation, and its topologies by their number of chips or cores (cloud.google.com/tpu/docs)."""

_FLOATS = {**dict.fromkeys(("fp32", "f32"), "float32"), **dict.fromkeys(("fp16", "f16", "half"), "float16")}
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "precision": {**_FLOATS, "bf16": "bfloat16"},
    "logits_dtype": _FLOATS,
    "bos": {word: str(value).lower() for word, value in _BOOLEANS.items()},
    "colormap": {"grays": "Greys"},
    "figsize": {"auto": "auto", "column": "column"},
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
"""The word that is kept for another word in lower case."""

_SPELLED = {
    name: {word.lower(): word for word in WORDS.get(name, ())} | dict(_ALIASES.get(name, {}))
    for name in (*WORDS, *_ALIASES)
}

_ACCELERATOR = re.compile(
    r"auto|cpu|(?:v[0-9][a-z0-9]*|tpu[0-9][a-z0-9]*)-[0-9]+(?:x[0-9]+)*"
    r"|(?:gpu|[ahl][0-9]+s?|rtx[0-9]+)-[0-9]+(?:-[0-9]+gb)?"
)
_BRACKETS = re.compile(r"\((.*)\)|\[(.*)\]")
_SIDE = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_PAIR = re.compile(rf"{_SIDE}\s*[x×,]\s*{_SIDE}")
_BYTES = re.compile(r"([0-9]{1,6})\s*(?:([mgtMGT])[iI][bB]?|([MGT]))")
_SOME_BYTES = re.compile(r"([1-9][0-9]{0,5})\s*([mgt])?[a-z]*", re.IGNORECASE | re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6})\s*([mgt]b)", re.IGNORECASE)
_LOGITS = re.compile(r"none|suffix|all|top[ _-]?([0-9]{1,6})")
_WHOLE = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.0)?")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?[eE]\+?[0-9]")
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(r"([-+]?[0-9]{1,3})((?:[,.' ][0-9]{3})+)")
_COMMA = re.compile(r"([-+]?[0-9]+),([0-9]+)")


def respell(name: str, value: Any, kind: type) -> Any:
    """A setting's value in the spelling that is kept, if it has exactly one meaning; else the value unchanged.

    Args:
        value: a text, or a value from JSON.
        kind: the setting's type.
    """
    if (kind is bool or name == "bos") and not isinstance(value, list | dict) and value in (0, 1):
        return bool(value) if kind is bool else str(bool(value)).lower()
    if name == "only" and type(value) in (int, float) and value == value // 1:
        return str(int(value))  # YAML and JSON read the 3 of only=3 as a number
    if name in PAIRS and isinstance(value, list) and [type(side) in (int, float) for side in value] == [True, True]:
        return _respell_pair(",".join(map(str, value))) or value
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
    """A hint how to write a pair that cannot be read, with its numbers if it holds two whole numbers."""
    numbers = _NUMBER.findall(str(value))
    if len(numbers) == 2 and all(number.isdecimal() and 0 < int(number) < 10**6 for number in numbers):
        return f"write {int(numbers[0])}x{int(numbers[1])}"
    return "write two numbers with an x between them"


def suggest_memory(value: str) -> str:
    """A hint how to write an amount of memory that cannot be read."""
    amount = _SOME_BYTES.fullmatch(value.strip())
    example = amount[1] + (amount[2] or "G").upper() if amount else "32G"
    return f"write auto, or a number with Mi, Gi or Ti, as {example}i"


def suggest_number(value: Any, kind: type) -> str:
    """A hint how to write a number that cannot be read, with the number if its meaning is clear."""
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
    """The number that a text is, or `otherwise`; `10.000` is no whole number: some people mean ten thousand by it."""
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


def _respell_accelerator(text: str) -> str | None:
    """`V6E-2X4` as `v6e-2x4`."""
    name = text.lower().replace("×", "x")
    return name if _ACCELERATOR.fullmatch(name) else None


def _respell_pair(text: str) -> str | None:
    """`(20, 3.0)` as `20x3`."""
    if text.lower() == "auto":
        return "auto"
    bracketed = _BRACKETS.fullmatch(text)
    inner = next(part for part in bracketed.groups() if part is not None) if bracketed else text
    pair = _PAIR.fullmatch(inner.strip().lower())
    return "x".join(f"{Decimal(side).normalize():f}" for side in pair.groups()) if pair else None


def _respell_memory(text: str) -> str | None:
    """`64 GiB` as `64Gi`, and `64 G` as `64G`; None for `64GB` and `64g`, which people use for either."""
    if text.lower() == "auto":
        return "auto"
    amount = _BYTES.fullmatch(text)
    return f"{int(amount[1])}" + (f"{amount[2].upper()}i" if amount[2] else amount[3]) if amount else None


def _respell_logits(text: str) -> str | None:
    """`Top-40` as `top40`."""
    word = _LOGITS.fullmatch(text.lower())
    return (f"top{int(word[1])}" if word[1] else word[0]) if word else None


def _respell_size(text: str) -> str | None:
    """`100 gb` as `100GB`."""
    size = _SIZE.fullmatch(text)
    return f"{int(size[1])}{size[2].upper()}" if size else None


_TEXTS: Mapping[str, Callable[[str], str | None]] = {
    **dict.fromkeys(PAIRS, _respell_pair),
    "accelerator": _respell_accelerator,
    "memory": _respell_memory,
    "logits": _respell_logits,
    "logits_limit": _respell_size,
    "encoding": str.lower,
}
