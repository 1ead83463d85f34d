"""The parameters of a compiled pipeline: their names, kinds and texts, and values read from a command line."""

import difflib
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import AUTO, Settings
from byheart.machines.accelerators import find_accelerator


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


_KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "NUMBER_INTEGER": ("a whole number", int),
    "NUMBER_DOUBLE": ("a finite number", _finite),
    "STRING": ("a text", str),
    "BOOLEAN": ("true or false", {"true": True, "false": False}.__getitem__),
    "LIST": ("a JSON list", json.loads),
}

_LARGEST = 2**53
"""Kubeflow keeps numbers in float64."""

PLACES = ("books", "controls", "model", "store")
"""Parameters that say what is measured and where it is kept: `launch run` has an option for each, a run file a key."""


def read_parameters(pipeline: str | Path) -> dict[str, dict[str, Any]]:
    """The input parameters that a compiled pipeline declares, by name, as its YAML describes them.

    Raises:
        SettingsError: the file is no compiled pipeline.
    """
    try:
        with Path(pipeline).open(encoding="utf-8") as file:
            spec = next(yaml.safe_load_all(file))
        return spec["root"]["inputDefinitions"]["parameters"]
    except OSError as error:
        found = error.strerror
    except (yaml.YAMLError, ValueError, LookupError, TypeError, StopIteration):
        found = "another file"
    raise SettingsError(f"{pipeline} must be a compiled pipeline, found: {found}: write it with `make compile`")


def parse_values(
    assignments: list[str], declared: dict[str, dict[str, Any]], *, places: bool = False
) -> dict[str, Any]:
    """The values of `name=value` assignments, each as the kind that the pipeline declares.

    Args:
        places: whether books, controls, model and store may stand among them.

    Raises:
        SettingsError: one is no assignment, names no parameter, or has a value of another kind.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"a setting must be written name=value, found {assignment!r}: write it so")
        if name not in declared:
            raise SettingsError(
                f"a setting must name a parameter of the pipeline, found {name!r}: {closest(name, declared)}"
            )
        if name in PLACES and not places:
            raise SettingsError(
                f"{name} must be given as --{name}, found it among the settings: give it there (make: "
                f"{name.upper()}=...)"
            )
        kind, parse = _KINDS[declared[name]["parameterType"]]
        try:
            values[name] = parse(text)
        except (ValueError, KeyError):
            raise SettingsError(f"{name} must be {kind}, found {text!r}: give one") from None
        if isinstance(values[name], int) and abs(values[name]) > _LARGEST:
            raise SettingsError(f"{name} must be at most {_LARGEST:,} in size, found {text}: choose a smaller number")
        _check_text(name, text)
    return values


def check_given(values: dict[str, Any], declared: dict[str, dict[str, Any]]) -> None:
    """Refuse, before anything is sent, what the first stage would refuse at its door.

    Raises:
        SettingsError: a parameter without a default is not among the values, or a value cannot be used.
    """
    needed = [name for name, about in declared.items() if "defaultValue" not in about and not about.get("isOptional")]
    missing = [name for name in needed if name not in values]
    if missing:
        raise SettingsError(f"a run must have {', '.join(needed)}, found no {missing[0]}: give {missing[0]}=...")
    defaults = {name: _default(about) for name, about in declared.items() if "defaultValue" in about}
    try:
        settings = Settings.from_parameters(defaults | values)
    except KeyError as error:
        raise SettingsError(
            f"the pipeline must be of this version, found one without {error}: write it with `make compile`"
        ) from None
    if settings.placement.accelerator != AUTO:
        find_accelerator(settings.placement.accelerator)


def _default(about: dict[str, Any]) -> Any:
    """A parameter's default; a compiled pipeline keeps whole numbers as others."""
    value = about["defaultValue"]
    return int(value) if about["parameterType"] == "NUMBER_INTEGER" else value


def closest(name: str, known: Iterable[str]) -> str:
    """A word about a name that is not known: the one that was meant, or all that are."""
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def parse_place(name: str, text: str) -> str:
    """A path or an address as it was given, with `~` expanded.

    Raises:
        SettingsError: it is empty, or no text.
    """
    if not text:
        raise SettingsError(f"{name} must be a path, found an empty text: give --{name} one")
    _check_text(name, text)
    if "://" in text:
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise SettingsError(f"{name} must be below a home that is known, found {text}: give the whole path") from None


def _check_text(name: str, text: str) -> None:
    """Refuse what Kubeflow cannot hand on: it keeps texts as UTF-8, and takes `{{$` for a placeholder of its own."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{name} must be UTF-8, found {text!r}: change it") from None
    if "{{$" in text:
        raise SettingsError(f"{name} must not hold '{{{{$', which is Kubeflow's own, found {text!r}: change it")
