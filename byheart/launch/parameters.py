"""The pipeline's parameters as a person gives them: all by name, wherever they stand in the pipeline."""

from pathlib import Path
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import OPTIONS, as_declared, closest
from byheart.contracts.settings import AUTO, SETTINGS, Settings
from byheart.launch.compiled import Compiled
from byheart.machines.accelerators import find_accelerator

PLACES: dict[str, type] = {"books": list, "controls": list, "model": str, "store": str}
"""What is measured and where it is kept: a command line and a run file have places of their own for these."""
_OPTIONS = {"controls": "control"}
"""What the command line calls an option, where that is another name."""


def parse_values(assignments: list[str], compiled: Compiled) -> dict[str, Any]:
    """The values of `name=value` assignments by name, each in its type.

    Raises:
        SettingsError: one is no assignment, names no parameter, or has a value of another type.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"a setting must be written name=value, found {assignment!r}: write it so")
        if name == OPTIONS:
            raise SettingsError(f"{OPTIONS} must be given one by one, found {text}: write each as name=value")
        kind = (SETTINGS | PLACES).get(name)
        if kind is None or name not in compiled.names:
            raise SettingsError(
                f"a setting must name a parameter of the pipeline, found {name!r}: {closest(name, compiled.names)}"
            )
        if name in PLACES:
            wanted = "without books= before it" if name == "books" else f"as --{_OPTIONS.get(name, name)}"
            raise SettingsError(
                f"{name} must be given {wanted}, found it among the settings: give it there", parameter=name
            )
        values[name] = as_declared(name, text, kind)
        _check_text(name, text)
    return values


def check_given(values: dict[str, Any], compiled: Compiled) -> None:
    """Refuse, before anything is sent, what the first stage would refuse at its door.

    Raises:
        SettingsError: a parameter without a default is not among the values, or a value cannot be used.
    """
    missing = [name for name in compiled.needed if name not in values]
    if missing:
        raise SettingsError(
            f"a run must have {', '.join(compiled.needed)}, found no {missing[0]}: give one",
            parameter=missing[0],
        )
    try:
        settings = Settings.from_parameters(compiled.defaults | values, compiled.defaults)
    except KeyError as error:
        raise SettingsError(
            f"the pipeline must be of this version, found one without {error}: write it with `byheart compile`"
        ) from None
    if settings.placement.accelerator != AUTO:
        find_accelerator(settings.placement.accelerator)


def parse_place(name: str, text: str) -> str:
    """A path or an address as it was given, with `~` expanded.

    Raises:
        SettingsError: it is empty, or no text.
    """
    if not text:
        raise SettingsError(f"{name} must be a path, found an empty text: give one", parameter=name)
    _check_text(name, text)
    if "://" in text:
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise SettingsError(
            f"{name} must be below a home that is known, found {text}: give the whole path", parameter=name
        ) from None


def _check_text(name: str, text: str) -> None:
    """Refuse what Kubeflow cannot hand on: it keeps texts as UTF-8, and takes `{{$` for a placeholder of its own."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{name} must be UTF-8, found {text!r}: change it", parameter=name) from None
    if "{{$" in text:
        raise SettingsError(
            f"{name} must not hold '{{{{$', which is Kubeflow's own, found {text!r}: change it", parameter=name
        )
