"""Descriptions of the results: JSON Schema for programs, Markdown tables for people."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import msgspec

from byheart.measures.fields import list_classes, list_fields
from byheart.measures.statistics import BookStatistics


def make_statistics_schema() -> dict[str, Any]:
    """The JSON Schema of statistics.json."""
    schema = msgspec.json.schema(BookStatistics)
    definitions = schema.pop("$defs")
    for kind in list_classes(BookStatistics):
        definition = definitions[kind.__name__]
        definition["additionalProperties"] = False
        definition["description"] = (kind.__doc__ or "").split("\n\n")[0]
        for field in list_fields(kind):
            if field.sentence:
                definition["properties"][field.name]["description"] = field.sentence
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "statistics.json of byheart",
        **schema,
        "$defs": definitions,
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableRow:
    """A row of a table: a field of the results."""

    path: str
    """Its path in the file, as `plain.windows_at[threshold].share`."""
    unit: str
    sentence: str


def list_table_rows(kind: type, *, closed: tuple[type, ...] = ()) -> Iterator[TableRow]:
    """The fields of a class and of the classes that they hold, in order; a class is expanded where it first occurs.

    Args:
        closed: classes that are not expanded.
    """
    seen: set[type] = set()

    def list_rows(kind: type, prefix: str) -> Iterator[TableRow]:
        seen.add(kind)
        for field in list_fields(kind):
            path = f"{prefix}{field.name}{''.join(f'[{by}]' for by in field.by)}"
            yield TableRow(path=path, unit=field.unit, sentence=field.sentence)
            if field.holds and field.holds not in seen and not issubclass(field.holds, closed):
                yield from list_rows(field.holds, f"{path}.")

    return list_rows(kind, "")


def format_markdown_table(rows: Iterator[TableRow]) -> str:
    """The rows as a Markdown table."""
    lines = ["| field | unit | what it holds |", "|---|---|---|"]
    lines += [f"| `{row.path}` | {row.unit} | {row.sentence.replace('|', '&#124;')} |" for row in rows]
    return "\n".join(lines) + "\n"
