"""The fields of the results described: their names, their units, and the docstrings below them in the source."""

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
    """Its name in JSON."""
    attribute: str
    """Its name in Python."""
    unit: str
    """The unit of its number; empty where it has none."""
    by: tuple[str, ...]
    """What each level of keys stands for, outermost first; an empty string for a list."""
    sentence: str
    """Its docstring, else the description of its type."""
    holds: type | None
    """The class of its value, or of the items of its table or list; None for plain values."""


@functools.cache
def list_fields(kind: type) -> tuple[Field, ...]:
    """The fields of a dataclass or Struct, in source order."""
    info = types.type_info(kind)
    if not isinstance(info, (types.DataclassType, types.StructType)):
        raise TypeError(f"{kind} is not a dataclass")
    sentences = _read_sentences(kind)
    return tuple(_describe_field(field, sentences.get(field.name, "")) for field in info.fields)


def list_classes(kind: type) -> Iterator[type]:
    """The class, and every class that its fields hold at any depth; none is repeated."""
    seen: dict[type, None] = {}
    waiting = [kind]
    while waiting:
        if (next_kind := waiting.pop(0)) not in seen:
            seen[next_kind] = None
            waiting += [field.holds for field in list_fields(next_kind) if field.holds]
    return iter(seen)


def _describe_field(field: types.Field, sentence: str) -> Field:
    unit, by, holds = "", [], None
    for info in _unwrap(field.type):
        if isinstance(info, types.Metadata):
            extra = info.extra_json_schema or {}
            unit = unit or extra.get("unit", "")
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
        unit=unit,
        by=tuple(by),
        sentence=sentence,
        holds=holds,
    )


def _unwrap(info: types.Type) -> Iterator[types.Type]:
    """A type and the types that it wraps, outermost first; the fields of a class are not entered."""
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
    for inner_type in inner:
        yield from _unwrap(inner_type)


def _read_sentences(kind: type) -> dict[str, str]:
    """The docstring of each field as a single line, by the field's name; fields of base classes are included."""
    sentences: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not dataclasses.is_dataclass(base) and not (issubclass(base, msgspec.Struct) and base is not msgspec.Struct):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        for field, below in itertools.pairwise(getattr(tree, "body", [])):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    sentences[name] = " ".join(text.split())
    return sentences
