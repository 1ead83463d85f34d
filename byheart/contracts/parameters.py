"""Reads the pipeline's parameters as one flat set: those that KFP takes by name, and those within `options`."""

import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from byheart.contracts.errors import SettingsError
from byheart.contracts.spellings import PAIRS, respell, suggest_number, suggest_pair

OPTIONS = "options"
"""The parameter that holds most others: Kubeflow's form would show a field, without explanation, for each."""

KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    bool: "true or false",
    list: "a JSON list",
}
"""How a message describes a value of a type."""

_LARGEST = 2**53
"""The largest absolute value of a whole number: Kubeflow keeps numbers in float64."""

_REVISION = "write it behind the model, as MODEL@REVISION"
_OTHER_NAMES = {
    **dict.fromkeys(("model_revision", "revision", "commit"), _REVISION),
    **dict.fromkeys(("context", "n_prompt", "n_prefix", "prefix_length"), "prompt_tokens"),
    **dict.fromkeys(("stride", "step", "step_size"), "cursor_inc"),
    **dict.fromkeys(("window", "window_size", "n_tokens"), "chunk_size"),
    **dict.fromkeys(("dtype", "torch_dtype"), "precision"),
    **dict.fromkeys(("tpu", "gpu", "device", "topology"), "accelerator"),
    "k": "top_k",
    "mesh": "mesh_shape",
    "temp": "temperature",
}
"""Other tools' names of a parameter that are too unlike its own name to be guessed."""

_Value = TypeVar("_Value")


def flatten(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every parameter, by name: as it was given, by name or within `options`, or its default.

    Args:
        parameters: as KFP passes them, `options` included.
        defaults: of all parameters that have one.

    Raises:
        SettingsError: `options` is no JSON object, or holds a name that is unknown or that KFP takes by itself.
    """
    alone = {name: value for name, value in parameters.items() if name != OPTIONS}
    options = parameters[OPTIONS]
    if not isinstance(options, Mapping):
        refuse(OPTIONS, "be a JSON object", json.dumps(options), "write {} for none")
    for name in options:
        if name in alone:
            refuse(name, "be given as a parameter of its own", f"it within {OPTIONS}", "move it out")
        if name not in defaults:
            refuse(OPTIONS, "hold known names", repr(name), suggest_name(name, defaults))
    return {**defaults, **alone, **options}


def convert_value(name: str, value: Any, kind: type[_Value]) -> _Value:
    """A parameter's value, converted to its declared type from text or JSON.

    Kubeflow sends 1.0 as 1, and 2000 within `options` as 2000.0.

    Raises:
        SettingsError: the value has another type, or is a whole number too large for Kubeflow.
    """
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        converted = msgspec.convert(respell(name, value, kind), kind)
        if isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError
    except (msgspec.ValidationError, ValueError):
        hint = suggest_number(value, kind)
        if kind is str:
            hint = suggest_pair(value) if name in PAIRS else "write it in quotes"
        shown = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
        refuse(name, f"be {KINDS[kind]}", shown, hint)
    if isinstance(converted, int) and abs(converted) > _LARGEST:
        refuse(name, f"be at most {_LARGEST:,} in size", value, "choose a smaller number")
    return converted


def suggest_name(name: str, known: Iterable[str]) -> str:
    """A hint about an unknown name: the name that was probably meant, or all known names."""
    known = tuple(known)
    meant = _OTHER_NAMES.get(name.lower().replace("-", "_"), "")
    if meant == _REVISION:
        return meant
    near = [meant] if meant in known else difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def refuse(name: str, needed: str, found: object, hint: str) -> NoReturn:
    """Raise an error that says what a parameter must do or be, what was found, and what to do.

    Raises:
        SettingsError: always.
    """
    raise SettingsError(f"{name} must {needed}, found {found}: {hint}", parameter=name) from None


def check_at_least(name: str, value: int, least: int, unit: str) -> None:
    """Check that a number is at least `least`.

    Args:
        unit: of the number, in the plural.

    Raises:
        SettingsError: it is smaller.
    """
    if value < least:
        unit = unit.removesuffix("s") if least == 1 else unit
        refuse(name, f"be at least {least} {unit}", value, "raise it")


def check_one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Check that a word is one of the known words.

    Raises:
        SettingsError: it is another word.
    """
    if value not in known:
        raise SettingsError(
            f"{name} must be one of {', '.join(known)}; found {value!r}: choose one of them", parameter=name
        )
