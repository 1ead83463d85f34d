"""Checks that a cluster can take a run: its pods reach every location, texts arrive as written, and all of it fits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import CLUSTER, LOCATIONS, check_text
from byheart.launch.paths import LIST
from byheart.launch.run_file import SCHEMA, format_path

MOST_BYTES = 100_000
"""The most bytes of all parameters. Argo 4 moves a container's arguments of more than 128 KiB, of which up to 20 kB are
Kubeflow's, into a ConfigMap. In KFP 2.17 its account may not create one, and the run fails without a message."""

_SOURCES = ("books", "controls")
_HINTS = {
    **dict.fromkeys(_SOURCES, f"name it by a glob, or in a list, as {LIST}gs://my-bucket/list.txt"),
    "chapters": "write it otherwise, or behind the books in a list",
    **dict.fromkeys(("plot_title", "label"), "write it otherwise, or leave it out"),
}
"""What helps if a text would not arrive as it was written; any other one needs another name."""


def check_sendable(values: Mapping[str, Any], compiled: Compiled, file: str | Path = "") -> None:
    """Check that a run with these values can be submitted to a cluster.

    Args:
        file: the run file that the values come from, for the message; empty without one.

    Raises:
        SettingsError: a location is a path of this machine, a text would be changed on its way, or all is too long.
    """
    try:
        _check_reachable(values)
        _check_texts(values)
        _check_size(values, compiled)
    except SettingsError as error:
        raise SettingsError(f"{file}{': ' if file else ''}{error}", parameter=error.parameter) from None


def _check_reachable(values: Mapping[str, Any]) -> None:
    """Check that pods can reach the books, the model and the store: a path of this machine they cannot."""
    for name in (name for name in LOCATIONS if name in values or name == "store"):
        schema = SCHEMA["$defs"]["reachable"]["properties"][name] | {"$defs": SCHEMA["$defs"]}
        if error := next(jsonschema.Draft202012Validator(schema).iter_errors(values.get(name, "")), None):
            where = (name,) if name == "model" and len(values[name]) == 1 else (name, *error.path)
            needed = f"{format_path(where)} must be {error.schema['description']}"
            found = f"found {repr(error.instance) if error.instance else 'none'}: give what the cluster reaches"
            raise SettingsError(f"{needed}, {found}", parameter=name)


def _check_texts(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                is_list = name in _SOURCES and text.startswith(LIST)
                check_text(name, text, CLUSTER, "rename it" if is_list else _HINTS.get(name, "rename it"))


def _check_size(values: Mapping[str, Any], compiled: Compiled) -> None:
    size_bytes = _count_bytes(compiled.build_arguments(values))
    if size_bytes > MOST_BYTES:
        longest = max(_SOURCES, key=lambda name: _count_bytes(values.get(name)))
        raise SettingsError(
            f"all parameters together must be at most {MOST_BYTES:,} bytes of JSON, found {size_bytes:,}: put the "
            f"addresses into a list at gs://, one on a line, and give {longest}={LIST}gs://my-bucket/list.txt",
            parameter=longest,
        )


def _count_bytes(value: Any) -> int:
    """The bytes of a value as JSON in UTF-8."""
    return len(json.dumps(value, ensure_ascii=False).encode())
