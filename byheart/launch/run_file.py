"""A run file: what to measure, as YAML that stands in Git, or beside the results of a run that it repeats.

    name: llama-novels
    model: llama-3.1-8b
    books: ["gs://my-bucket/novels/*.txt"]
    store: gs://my-bucket/byheart
    settings: {cursor_inc: 50}

`run_file.schema.json` says what may stand there; settings are the compiled pipeline's, all by name. Paths are relative
to the file's folder. `measured` is written by a run, into the file that repeats it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from byheart.contracts.errors import DamagedError, SettingsError
from byheart.contracts.parameters import closest
from byheart.contracts.settings import SETTINGS
from byheart.contracts.spellings import PAIRS
from byheart.launch.compiled import Compiled
from byheart.launch.here import default_store
from byheart.launch.parameters import PLACES, check_given, parse_place, parse_values
from byheart.launch.paths import absolute, absolute_model
from byheart.launch.record import Record, read_record

EXPERIMENT = "byheart"
"""Where runs stand that name no experiment."""
_MEASURED = "measured"

SCHEMA = json.loads(Path(__file__).with_name("run_file.schema.json").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFile:
    """A run file that has been checked."""

    name: str
    experiment: str
    values: dict[str, Any]
    """The pipeline's parameters that it sets, all by name; paths are absolute."""
    content: dict[str, Any]
    """What was written there, but for what was measured."""
    recorded: Record | None
    """What was measured by the run that wrote it; None where a person did."""

    @property
    def digest(self) -> str:
        """SHA-256 of the content: comments, layout and the order of keys are no part of it."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def run_name(self) -> str:
        """What the run is called on the cluster: by it a run of this content is found again."""
        return f"{self.name}-{self.digest[:16]}"


def read_run_file(path: str | Path, compiled: Compiled) -> RunFile:
    """The run that a file describes.

    Args:
        compiled: the pipeline that it is for.

    Raises:
        SettingsError: it cannot be used; the message begins with the file and the line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = _with_texts(yaml.safe_load(text), node)
    except OSError as error:
        raise SettingsError(f"{path} must be a run file, found: {error.strerror}: name one") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: must be YAML, found: {error.problem}: mend it") from None
    except (ValueError, yaml.YAMLError) as error:  # bytes that are no UTF-8, and characters that YAML does not allow
        raise SettingsError(f"{path} must be YAML in UTF-8, found: {' '.join(str(error).split())}: mend it") from None
    if wrong := next(iter((*_repeated(node), *_against_schema(node, content))), None):
        raise SettingsError(f"{path}:{wrong[0]}: {wrong[1]}")
    values: dict[str, Any] = {}
    for name, value in content.get("settings", {}).items():
        try:
            values |= _setting(name, value, compiled)
        except SettingsError as error:
            raise _in_file(path, node, error, name) from None
    for name in PLACES.keys() & content.keys():
        value = content[name]
        try:
            values[name] = (
                _read_address(name, value, path)
                if isinstance(value, str)
                else [_read_address(name, text, path) for text in value]
            )
        except SettingsError as error:
            raise SettingsError(f"{path}:{_line(node, (name,))}: {error}", parameter=name) from None
    try:
        check_given({"store": default_store(), **values}, compiled)
    except SettingsError as error:
        raise _in_file(path, node, error, error.parameter) from None
    measured = content.pop(_MEASURED, None)
    try:
        settings = {name: value for name, value in values.items() if name in SETTINGS}
        recorded = None if measured is None else read_record(measured, settings)
    except DamagedError as error:
        raise SettingsError(f"{path}:{_line(node, (_MEASURED,))}: {error}; or remove it") from None
    return RunFile(
        name=content["name"],
        experiment=content.get("experiment", EXPERIMENT),
        values=values,
        content=content,
        recorded=recorded,
    )


def _with_texts(content: Any, node: yaml.Node | None) -> Any:
    """The content, with texts where YAML makes numbers of them: it reads `only: 100:30` in the base of 60."""
    settings = content.get("settings") if isinstance(content, dict) else None
    if isinstance(settings, dict):
        for name, value in settings.items():
            if SETTINGS.get(name) is str and isinstance(value, int | float) and not isinstance(value, bool):
                written = _node_at(node, ("settings", name))
                settings[name] = written.value if isinstance(written, yaml.ScalarNode) else value
    return content


def _node_at(node: yaml.Node | None, path: tuple[str, ...]) -> yaml.Node | None:
    for name in path:
        items = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in items if key.value == name), None)
    return node


def _read_address(name: str, text: str, file: str | Path) -> str:
    """Books, a model or a store, as a run is given it."""
    parse_place(name, text)  # refuses what is none
    folder = Path(file).parent.resolve()
    return absolute_model(text, folder) if name == "model" else absolute(text, folder)


def _in_file(path: str | Path, node: yaml.Node | None, error: SettingsError, name: Any) -> SettingsError:
    """An error about a setting, with the line where the setting stands."""
    where = "settings." if error.parameter else ""
    return SettingsError(f"{path}:{_line(node, ('settings', name))}: {where}{error}", parameter=error.parameter)


def check_reachable(values: dict[str, Any], file: str | Path = "") -> None:
    """Refuse books, a model or a store of this machine, which no pod reaches, and a run that names no store.

    Args:
        file: the run file that they are from, if they are from one.

    Raises:
        SettingsError: there is one.
    """
    for name in (name for name in PLACES if name in values or name == "store"):
        schema = SCHEMA["$defs"]["reachable"]["properties"][name] | {"$defs": SCHEMA["$defs"]}
        if error := next(jsonschema.Draft202012Validator(schema).iter_errors(values.get(name, "none")), None):
            needed = f"{_written((name, *error.path))} must be {error.schema['description']}"
            found = f"found {error.instance!r}: give what the cluster reaches"
            raise SettingsError(f"{file}{': ' if file else ''}{needed}, {found}", parameter=name)


def _setting(name: Any, value: Any, compiled: Compiled) -> dict[str, Any]:
    """One parameter, read as it would be from a command line."""
    if name in PLACES:
        raise SettingsError(
            f"{name} must stand at the file's top, found it among the settings: move it there", parameter=name
        )
    if isinstance(value, list) and name not in PAIRS:
        raise SettingsError(f"{name} must be one value, found the list {value}: write it alone", parameter=name)
    return parse_values([f"{name}={value if isinstance(value, str) else json.dumps(value)}"], compiled)


def _against_schema(node: yaml.Node | None, content: Any) -> list[tuple[int, str]]:
    """What the schema forbids, in the order of the lines."""
    found = []
    for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(content):
        path, schema = tuple(error.absolute_path), error.schema
        where = _written(path)
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            said = f"{where} must name {missing[0]}, found none: add it"
        elif error.validator == "additionalProperties":
            unknown = next(name for name in error.instance if name not in schema["properties"])
            path = (*path, unknown)
            said = f"{where} must hold known names, found {unknown!r}: {closest(str(unknown), schema['properties'])}"
        else:
            said = f"{where} must be {schema['description']}, found {error.instance!r}: change it"
        found.append((_line(node, path), said))
    return sorted(found)


def _repeated(node: yaml.Node | None, seen: frozenset[int] = frozenset()) -> Iterator[tuple[int, str]]:
    """Keys that stand twice in one mapping, of which YAML would take the last in silence."""
    if node is None or id(node) in seen:
        return
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if key.value in keys:
                yield key.start_mark.line + 1, f"{key.value} must be given once, found it again: remove one"
            keys.add(str(key.value))
            yield from _repeated(value, seen | {id(node)})
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value, seen | {id(node)})


def _line(node: yaml.Node | None, path: tuple[Any, ...]) -> int:
    """The line, from 1, of what stands at `path`: of its key, or of the nearest that is there."""
    line = node.start_mark.line + 1 if node else 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if not found:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _written(path: tuple[Any, ...]) -> str:
    """A place in the file as a person writes it: `books[0]`; the whole is `a run file`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "a run file"
