"""The parameters of a compiled pipeline: their names, kinds and texts, and values read from a command line."""

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from components.contracts.errors import SettingsError

_KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "NUMBER_INTEGER": ("a whole number", int),
    "NUMBER_DOUBLE": ("a number", float),
    "STRING": ("a text", str),
    "LIST": ("a JSON list", json.loads),
}

_PLACES = ("books", "controls", "model", "store")
"""Parameters that have an option of their own."""


def read_parameters(pipeline: str | Path) -> dict[str, dict[str, Any]]:
    """The input parameters that a compiled pipeline declares, by name, as its YAML describes them."""
    with Path(pipeline).open(encoding="utf-8") as file:
        spec = next(yaml.safe_load_all(file))
    return spec["root"]["inputDefinitions"]["parameters"]


def parse_values(assignments: list[str], declared: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The values of `name=value` assignments, each as the kind that the pipeline declares.

    Raises:
        SettingsError: one is no assignment, names no parameter, or has a value of another kind.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"a setting must be written name=value, found {assignment!r}")
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(declared)}"
            raise SettingsError(f"a setting must name a parameter of the pipeline, found {name!r}: {hint}")
        if name in _PLACES:
            raise SettingsError(f"{name} must be given as --{name} (make: {name.upper()}=...), found it among settings")
        kind, parse = _KINDS[declared[name]["parameterType"]]
        try:
            values[name] = parse(text)
        except ValueError:
            raise SettingsError(f"{name} must be {kind}, found {text!r}") from None
    return values
