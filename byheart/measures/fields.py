"""What is said of a field of the results: its name, its unit, and the sentence that stands below it in the source."""

import ast
import dataclasses
import functools
import inspect
import itertools
import textwrap
from collections.abc import Iterator

import msgspec
from msgspec import inspect as types


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a class of the results."""

    name: str
    """In JSON."""
    attribute: str
    """In Python."""
    title: str
    """What lists of numbers call it; empty where none does."""
    unit: str
    """What it counts or measures; empty where it does neither."""
    by: tuple[str, ...]
    """What the keys of a table are, from the outermost; empty for those of a list."""
    sentence: str
    """What it means: the string below it, else what its type says."""
    holds: type | None
    """The class of what it holds, or of what its table or list holds; None for plain values."""


@functools.cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of a dataclass or Struct, in their order."""
    info = types.type_info(kind)
    if not isinstance(info, (types.DataclassType, types.StructType)):
        raise TypeError(f"{kind} is no dataclass")
    said = _sentences(kind)
    return tuple(_field(field, said.get(field.name, "")) for field in info.fields)


def classes_of(kind: type) -> Iterator[type]:
    """The class and those of all that it holds, each once."""
    seen: dict[type, None] = {}
    waiting = [kind]
    while waiting:
        if (taken := waiting.pop(0)) not in seen:
            seen[taken] = None
            waiting += [field.holds for field in fields_of(taken) if field.holds]
    return iter(seen)


def _field(field: types.Field, sentence: str) -> Field:
    title, unit, by, holds = "", "", [], None
    for info in _layers(field.type):
        if isinstance(info, types.Metadata):
            extra = info.extra_json_schema or {}
            title, unit = title or extra.get("title", ""), unit or extra.get("unit", "")
            sentence = sentence or extra.get("description", "")
            by += [info.extra["by"]] if info.extra else []
        elif isinstance(info, types.DictType) and isinstance(info.key_type, types.StrType):
            by.append("name")
        elif isinstance(info, types.ListType):
            by.append("")
        elif isinstance(info, (types.DataclassType, types.StructType)):
            holds = info.cls
    return Field(
        name=field.encode_name,
        attribute=field.name,
        title=title,
        unit=unit,
        by=tuple(by),
        sentence=sentence,
        holds=holds,
    )


def _layers(info: types.Type) -> Iterator[types.Type]:
    """A type and what it is made of, from the outside; classes are not entered."""
    yield info
    inner: list[types.Type] = []
    match info:
        case types.Metadata():
            inner = [info.type]
        case types.UnionType():
            inner = list(info.types)
        case types.DictType():
            inner = [info.value_type]
        case types.ListType():
            inner = [info.item_type]
        case types.TupleType():
            inner = list(info.item_types[:1])
    for each in inner:
        yield from _layers(each)


def _sentences(kind: type) -> dict[str, str]:
    """The string below each field, in one line, by the field's name; those of the bases too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not dataclasses.is_dataclass(base) and not (issubclass(base, msgspec.Struct) and base is not msgspec.Struct):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        for field, below in itertools.pairwise(getattr(tree, "body", [])):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = " ".join(text.split())
    return found
