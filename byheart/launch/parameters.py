"""Reads the pipeline's parameters as people give them: all by name, those within `options` too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.contracts.foreign import has_credentials, strip_address
from byheart.contracts.parameters import OPTIONS, convert_value, suggest_name
from byheart.contracts.setting_groups import AUTO
from byheart.contracts.settings import ASSIGNED, Settings
from byheart.launch.compiled import Compiled
from byheart.launch.paths import LIST
from byheart.machines.accelerators import find_accelerator

LOCATIONS: dict[str, type] = {
    **dict.fromkeys(("books", "controls", "model"), list), **dict.fromkeys(("store", "tokenizer", "base"), str)
}  # fmt: skip
"""Parameters that are paths or addresses, with their types: they are given apart from the settings, but those that are
among `ASSIGNED`."""
_OPTIONS = {"controls": "control"}
"""The command line's option for a parameter, if it has another name."""

DESK: Mapping[str, str] = {"{{$": "Kubeflow"}
"""What a text must not hold anywhere, with who would replace it."""
CLUSTER: Mapping[str, str] = {"{{": "Argo", "$$": "Kubernetes", "$(": "Kubernetes"}
"""What a text must not hold on a cluster: the stages get it on the command line of a container."""


def parse_values(assignments: list[str], compiled: Compiled) -> dict[str, Any]:
    """The values of `name=value` assignments, by name and converted to their types.

    Raises:
        SettingsError: a text is no assignment, names no parameter, or has a value of another type.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"a setting must be written name=value, found {assignment!r}: write it so")
        if name == OPTIONS:
            raise SettingsError(f"{OPTIONS} must be given one by one, found {text}: write each as name=value")
        kind = (ASSIGNED | LOCATIONS).get(name)
        if kind is None or name not in compiled.names:
            raise SettingsError(
                f"a setting must name a parameter of the pipeline, found {name!r}: {suggest_name(name, compiled.names)}"
            )
        if name in LOCATIONS and name not in ASSIGNED:
            wanted = "without books= before it" if name == "books" else f"as --{_OPTIONS.get(name, name)}"
            raise SettingsError(
                f"{name} must be given {wanted}, found it among the settings: give it there", parameter=name
            )
        values[name] = parse_location(name, text) if text and name in LOCATIONS else convert_value(name, text, kind)
        check_text(name, text)
    return values


def check_values(values: dict[str, Any], compiled: Compiled) -> None:
    """Check all values before anything is sent, as the first stage would.

    Raises:
        SettingsError: a parameter without a default is not among the values, or a value cannot be used.
    """
    missing = [name for name in compiled.required if name not in values]
    if missing:
        raise SettingsError(
            f"a run must have {', '.join(compiled.required)}, found no {missing[0]}: give one",
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


def parse_location(name: str, text: str) -> str:
    """A path with `~` expanded, also behind the `@` of a list; an address unchanged.

    Args:
        name: the parameter, for the error.

    Raises:
        SettingsError: the text is empty, is not UTF-8, holds a password, or names an unknown home.
    """
    if not text:
        raise SettingsError(f"{name} must be a path, found an empty text: give one", parameter=name)
    check_text(name, text)
    if has_credentials(text.removeprefix(LIST)):
        raise SettingsError(
            f"{name} must be an address without a user, password or signature, which a run's records would show, found "
            f"{strip_address(text)} with one: bring it to a folder or a bucket and name that",
            parameter=name,
        )
    if "://" in text:
        return text
    listed = LIST if text.startswith(f"{LIST}~") else ""
    try:
        path = listed + str(Path(text.removeprefix(listed)).expanduser())
    except RuntimeError:
        raise SettingsError(
            f"{name} must be below a home that is known, found {text}: give the whole path", parameter=name
        ) from None
    return f"./{path}" if text.startswith("./") else path  # without it, ./org/name would be a repository on the Hub


def check_text(name: str, text: str, taken: Mapping[str, str] = DESK, hint: str = "change it") -> None:
    """Check that a text arrives at a stage as it was written.

    Args:
        name: the parameter, for the error.
        taken: what it must not hold, with who would take it for its own.
        hint: what to do.

    Raises:
        SettingsError: it would not.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{name} must be UTF-8, found {text!r}: change it", parameter=name) from None
    for mark, owner in taken.items():
        if mark in text:
            raise SettingsError(
                f"{name} must not hold {mark!r}, which {owner} takes for its own, found {text!r}: {hint}",
                parameter=name,
            )
