"""The rows of models.yaml: models that have a short name. A broken row harms that row only: its name is refused."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import yaml

from byheart.contracts.errors import SettingsError

_FILE = Path(__file__).parents[1] / "models.yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A row of models.yaml."""

    repository: str
    revision: str = "main"
    accelerator: str = ""
    """The accelerator that `auto` chooses for it; empty for the smallest slice that holds it."""


_FIELDS = tuple(field.name for field in dataclasses.fields(KnownModel))


def read_rows(text: str) -> tuple[dict[str, KnownModel], dict[str, str]]:
    """The rows by name, and by name what is wrong with broken rows; texts are taken as they are written.

    What is wrong with the whole file has the empty name.
    """
    rows: dict[str, KnownModel] = {}
    broken: dict[str, str] = {}
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return {}, {"": f"models.yaml:{line}: must be YAML, found {getattr(error, 'problem', error)}: mend the line"}
    except (RecursionError, ValueError, OverflowError) as error:  # what the library raises for some texts
        return {}, {"": f"models.yaml must be YAML, found what makes a {type(error).__name__}: mend it"}
    if not isinstance(node, yaml.MappingNode):
        return {}, {"": "models.yaml:1: must have a row for each name, found another thing: mend it"}
    for key, value in node.value:
        name, where = str(key.value), f"models.yaml:{key.start_mark.line + 1}: {key.value}"
        wrong = list(_list_faults(value))
        if name in rows or name in broken:
            rows.pop(name, None)
            broken[name] = f"{where} must be there once, found it again: remove one"
        elif wrong:
            broken[name] = f"{where} {wrong[0]}"
        else:
            rows[name] = KnownModel(**{field.value: text.value for field, text in value.value})
    return rows, broken


def _list_faults(row: yaml.Node) -> Iterator[str]:
    """What is wrong with a row."""
    if not isinstance(row, yaml.MappingNode):
        yield "must be {repository: ORGANISATION/NAME}, found another thing: write it so"
        return
    names = [str(key.value) for key, _ in row.value]
    for (_, value), name in zip(row.value, names, strict=True):
        if name not in _FIELDS:
            yield f"must have fields of {', '.join(_FIELDS)}, found {name!r}: remove it"
        if names.count(name) > 1:
            yield f"must have {name} once, found it again: remove one"
        if not isinstance(value, yaml.ScalarNode) or not value.value or value.tag.endswith("null"):
            yield f"must have a text as {name}, found another thing: write one"
    if "repository" not in names:
        yield "must have a repository, found none: add it"


KNOWN, _BROKEN = read_rows(_FILE.read_text(encoding="utf-8"))


def check_row(name: str) -> None:
    """Raise SettingsError if the name's row of models.yaml is broken, or the whole file is and it could be a name."""
    fault = _BROKEN.get(name) or ("" if "/" in name else _BROKEN.get("", ""))
    if fault:
        raise SettingsError(fault, parameter="model")
