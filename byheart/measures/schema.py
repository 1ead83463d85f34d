"""The results described: as JSON Schema for programs, and as tables in Markdown for people."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import msgspec

from byheart.measures.fields import classes_of, fields_of
from byheart.measures.statistics import BookStatistics


def statistics_schema() -> dict[str, Any]:
    """JSON Schema of statistics.json."""
    schema = msgspec.json.schema(BookStatistics)
    definitions = schema.pop("$defs")
    for kind in classes_of(BookStatistics):
        definition = definitions[kind.__name__]
        definition["additionalProperties"] = False
        definition["description"] = (kind.__doc__ or "").split("\n\n")[0]
        for field in fields_of(kind):
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
    """A field in a table."""

    path: str
    """Where it stands: `plain.windows_at[threshold].share`."""
    unit: str
    sentence: str


def table_rows(kind: type, *, closed: tuple[type, ...] = ()) -> Iterator[TableRow]:
    """The fields of a class and of what it holds, in their order; what a class holds is listed where it comes first.

    Args:
        closed: classes of which only the name is listed.
    """
    seen: set[type] = set()

    def rows(kind: type, prefix: str) -> Iterator[TableRow]:
        seen.add(kind)
        for field in fields_of(kind):
            path = f"{prefix}{field.name}{''.join(f'[{by}]' for by in field.by)}"
            yield TableRow(path=path, unit=field.unit, sentence=field.sentence)
            if field.holds and field.holds not in seen and not issubclass(field.holds, closed):
                yield from rows(field.holds, f"{path}.")

    return rows(kind, "")


def markdown_table(rows: Iterator[TableRow]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| field | unit | what it holds |", "|---|---|---|"]
    lines += [f"| `{row.path}` | {row.unit} | {row.sentence.replace('|', '&#124;')} |" for row in rows]
    return "\n".join(lines) + "\n"
