"""The pipeline's parameters as one flat set: those that stand alone, and those that are given within `options`."""

import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from byheart.contracts.errors import SettingsError
from byheart.contracts.spellings import PAIRS, respell, suggest_number, suggest_pair

OPTIONS = "options"
"""The parameter that holds the others: Kubeflow's form shows names alone, and would show all of them."""

KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    bool: "true or false",
    list: "a JSON list",
}
"""What a person is asked for, by type."""

_LARGEST = 2**53
"""Of a whole number, whatever its sign: Kubeflow keeps numbers in float64."""

_REVISION = "write it behind the model, as MODEL@REVISION"
_ELSEWHERE = {
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
"""What other tools call a parameter, where its own name is not near enough to be guessed."""

_Value = TypeVar("_Value")


def flatten(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter by its name: as it stands alone, as `options` gives it, or its default.

    Args:
        parameters: as the pipeline has them, `options` among them.
        defaults: of all parameters that have one.

    Raises:
        SettingsError: `options` is no JSON object, or holds a name that is not known or that of a parameter that
            stands alone.
    """
    alone = {name: value for name, value in parameters.items() if name != OPTIONS}
    options = parameters[OPTIONS]
    if not isinstance(options, Mapping):
        refuse(OPTIONS, "be a JSON object", json.dumps(options), "write {} for none")
    for name in options:
        if name in alone:
            refuse(name, "be given as a parameter of its own", f"it within {OPTIONS}", "move it out")
        if name not in defaults:
            refuse(OPTIONS, "hold known names", repr(name), closest(name, defaults))
    return {**defaults, **alone, **options}


def as_declared(name: str, value: Any, kind: type[_Value]) -> _Value:
    """A parameter's value in its declared type, however it was written: as text, or as JSON.

    Kubeflow sends 1.0 as 1, and 2000 within `options` as 2000.0.

    Raises:
        SettingsError: it is of another type, or a whole number that Kubeflow does not keep.
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


def closest(name: str, known: Iterable[str]) -> str:
    """A word about a name that is not known: the one that was meant, or all that are."""
    known = tuple(known)
    meant = _ELSEWHERE.get(name.lower().replace("-", "_"), "")
    if meant == _REVISION:
        return meant
    near = [meant] if meant in known else difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def refuse(name: str, needed: str, found: object, hint: str) -> NoReturn:
    """Say what a parameter must do or be, what was found, and what to do.

    Raises:
        SettingsError: always.
    """
    raise SettingsError(f"{name} must {needed}, found {found}: {hint}", parameter=name) from None


def check_at_least(name: str, value: int, least: int, unit: str) -> None:
    """Refuse a number below the least of so many units.

    Raises:
        SettingsError: it is.
    """
    if value < least:
        unit = unit.removesuffix("s") if least == 1 else unit
        refuse(name, f"be at least {least} {unit}", value, "raise it")


def check_one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a word that is not one of those.

    Raises:
        SettingsError: it is not.
    """
    if value not in known:
        raise SettingsError(
            f"{name} must be one of {', '.join(known)}; found {value!r}: choose one of them", parameter=name
        )
