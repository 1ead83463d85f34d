"""Reads a run file: YAML that says what to measure, kept in Git or beside the results of the run that it repeats.

    name: llama-novels
    model: llama-3.1-8b                     # or a list of models, which measure the same books
    books: ["gs://my-bucket/novels/*.txt"]
    store: gs://my-bucket/byheart
    settings: {cursor_inc: 50}

`run_file.schema.json` describes the keys; settings are the compiled pipeline's parameters by name. Paths are relative
to the file's folder. A run writes `measured` into the file that repeats it.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from byheart.contracts.errors import DamagedError, SettingsError
from byheart.contracts.foreign import quote, spell_out
from byheart.contracts.parameters import suggest_name
from byheart.contracts.settings import ASSIGNED, SETTINGS
from byheart.contracts.spellings import PAIRS, WORDS
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import LOCATIONS, check_values, parse_location, parse_values
from byheart.launch.paths import make_absolute, make_model_absolute
from byheart.launch.record import Record, read_record
from byheart.launch.this_machine import locate_default_store

_MOST_CHARACTERS = 20_000_000
"""Those of what is measured of 10,000 books."""
EXPERIMENT = "byheart"
"""The experiment of runs that name none."""
_MEASURED = "measured"
_TAG = "tag:yaml.org,2002:"
_TAGS = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge")}
"""Those that YAML gives to values by itself."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
"""A number that means the same in YAML and on a command line: 010 is 8 in YAML, and 1:30 is 90."""
_OR_ON_THE_HUB = ("model", "tokenizer", "base")
"""Locations that are a path or a repository."""

SCHEMA = json.loads(Path(__file__).with_name("run_file.schema.json").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFile:
    """A run file that has been checked."""

    name: str
    experiment: str
    values: dict[str, Any]
    """The pipeline's parameters that it sets, by name; paths are absolute."""
    content: dict[str, Any]
    """The content of the file, without `measured`."""
    recorded: Record | None
    """What the run measured that wrote the file; None in a file that a person wrote."""

    @property
    def digest(self) -> str:
        """SHA-256 of the content; comments, layout and the order of keys do not change it."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def run_name(self) -> str:
        """The run's name on the cluster, by which a run of this content is found again."""
        return f"{self.name}-{self.digest[:16]}"


def read_run_file(path: str | Path, compiled: Compiled) -> RunFile:
    """The run that a file describes.

    Args:
        compiled: the pipeline whose parameters it sets.

    Raises:
        SettingsError: the file cannot be used; the message begins with its name and the line.
    """
    try:
        node = yaml.compose(_read_text(path), Loader=yaml.SafeLoader)
        if fault := next(_list_node_faults(node), None):
            raise SettingsError(f"{path}:{fault[0]}: {fault[1]}")
        content = _construct(node)
    except OSError as error:
        raise SettingsError(f"{path} must be a run file, found: {error.strerror}: name one") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: must be YAML, found: {error.problem}: mend it") from None
    except RecursionError:
        raise SettingsError(f"{path} must be a run file, found lists in lists without end: mend it") from None
    except (
        ValueError,
        OverflowError,
        yaml.YAMLError,
    ) as error:  # bytes that are no UTF-8, and characters that YAML does not allow
        raise SettingsError(f"{path} must be YAML in UTF-8, found: {' '.join(str(error).split())}: mend it") from None
    if faults := _list_schema_errors(node, content):
        raise SettingsError(f"{path}:{faults[0][0]}: {faults[0][1]}")
    values: dict[str, Any] = {}
    for name, value in content.get("settings", {}).items():
        try:
            values |= _read_setting(name, value, compiled)
        except SettingsError as error:
            raise _locate_error(path, node, error, name) from None
    for name in LOCATIONS.keys() & content.keys():
        value = content[name]
        try:
            read = [_read_location(name, text, path) for text in ([value] if isinstance(value, str) else value)]
            values[name] = read if LOCATIONS[name] is list else read[0]
        except SettingsError as error:
            raise SettingsError(f"{path}:{_find_line(node, (name,))}: {error}", parameter=name) from None
    try:
        check_values({"store": locate_default_store(), **values}, compiled)
    except SettingsError as error:
        raise _locate_error(path, node, error, error.parameter) from None
    measured = content.pop(_MEASURED, None)
    try:
        settings = {name: value for name, value in values.items() if name in SETTINGS}
        recorded = None if measured is None else read_record(measured, settings)
    except DamagedError as error:
        raise SettingsError(f"{path}:{_find_line(node, (_MEASURED,))}: {error}; or remove it") from None
    return RunFile(
        name=content["name"],
        experiment=content.get("experiment", EXPERIMENT),
        values=values,
        content=content,
        recorded=recorded,
    )


def _read_text(path: str | Path) -> str:
    """The text of the file, up to its limit."""
    with Path(path).open(encoding="utf-8") as file:
        text = file.read(_MOST_CHARACTERS + 1)
    if len(text) > _MOST_CHARACTERS:
        raise SettingsError(
            f"{path} must have at most {_MOST_CHARACTERS:,} characters, found more: name lists of books"
        )
    return text


def _construct(node: yaml.Node | None) -> Any:
    """The content of the file; paths, names and texts are as they are written: YAML reads `no` as false, 1:30 as 90."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "settings" and isinstance(value, yaml.MappingNode):
                _keep_written(setting for name, setting in value.value if not _reads_alike(name.value, setting))
            elif key.value != _MEASURED:
                _keep_written(value.value if isinstance(value, yaml.SequenceNode) else [value])
    return None if node is None else yaml.SafeLoader("").construct_document(node)


def _keep_written(nodes: Iterable[yaml.Node]) -> None:
    """Make texts of the values; one of which nothing is written stays null."""
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and node.value:
            node.tag = f"{_TAG}str"


def _reads_alike(name: str, node: yaml.Node) -> bool:
    """Whether YAML reads a setting's value as a command line does."""
    if node.tag in (f"{_TAG}int", f"{_TAG}float") and not _NUMBER.fullmatch(node.value):
        return False
    return SETTINGS.get(name) is not str or name in WORDS


def _read_location(name: str, text: str, file: str | Path) -> str:
    """A location as a parameter: paths are absolute."""
    if not text and name in ASSIGNED:
        return text
    parse_location(name, text)  # raises for a text that is no location
    folder = Path(file).parent.resolve()
    return make_model_absolute(text, folder) if name in _OR_ON_THE_HUB else make_absolute(text, folder)


def _locate_error(path: str | Path, node: yaml.Node | None, error: SettingsError, name: Any) -> SettingsError:
    """The error about a setting, with the file and the line of the setting."""
    where = "settings." if error.parameter else ""
    return SettingsError(f"{path}:{_find_line(node, ('settings', name))}: {where}{error}", parameter=error.parameter)


def _read_setting(name: Any, value: Any, compiled: Compiled) -> dict[str, Any]:
    """A setting's value by its name, read as from a command line."""
    if name in LOCATIONS:
        raise SettingsError(
            f"{name} must stand at the file's top, found it among the settings: move it there", parameter=name
        )
    if isinstance(value, list) and name not in PAIRS:
        raise SettingsError(f"{name} must be one value, found the list {value}: write it alone", parameter=name)
    return parse_values([f"{name}={value if isinstance(value, str) else json.dumps(value)}"], compiled)


def _list_schema_errors(node: yaml.Node | None, content: Any) -> list[tuple[int, str]]:
    """The violations of the schema, each a line and a message, in the order of the lines."""
    import jsonschema  # a run without a run file starts sooner

    errors = []
    for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(content):
        path, schema = tuple(error.absolute_path), error.schema
        where = format_path(path)
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            message = f"{where} must name {missing[0]}, found none: add it"
        elif error.validator == "additionalProperties":
            unknown = next(name for name in error.instance if name not in schema["properties"])
            path = (*path, unknown)
            hint = suggest_name(str(unknown), schema["properties"])
            message = f"{where} must hold known names, found {unknown!r}: {hint}"
        else:
            message = f"{where} must be {schema['description']}, found {error.instance!r}: change it"
        errors.append((_find_line(node, path), message))
    return sorted(errors)


def _list_node_faults(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """What YAML takes in silence or says without a line, each a line and a message: keys given twice, tags, aliases,
    control characters.

    Lists of aliases of lists of aliases hold more than any memory.
    """
    seen: set[int] = set()
    left = [] if node is None else [node]
    while left:
        node = left.pop()
        if id(node) in seen:
            if not isinstance(node, yaml.ScalarNode):
                yield (
                    node.start_mark.line + 1,
                    "a list or mapping must stand once, found an alias of it: write it again",
                )
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and spell_out(node.value) != node.value:
            found = quote(spell_out(node.value))
            yield node.start_mark.line + 1, f"a text must have no control characters, found {found}: remove them"
        if node.tag not in _TAGS:
            tag = node.tag.replace(_TAG, "!!")
            yield node.start_mark.line + 1, f"a value must have no tag, found {tag}: write the value alone"
        if isinstance(node, yaml.SequenceNode):
            left += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, _ in node.value:
                if key.value in keys:
                    yield key.start_mark.line + 1, f"{key.value} must be given once, found it again: remove one"
                keys.add(str(key.value))
            left += [item for pair in reversed(node.value) for item in reversed(pair)]


def _find_line(node: yaml.Node | None, path: tuple[Any, ...]) -> int:
    """The line, from 1, of the key or item at `path`, or of the nearest one above it that exists."""
    line = node.start_mark.line + 1 if node else 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            item = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if not item:
                break
            line, node = item[0].start_mark.line + 1, item[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def format_path(path: tuple[Any, ...]) -> str:
    """A path in the file as people write it, such as `books[0]`; the empty path is `a run file`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "a run file"
