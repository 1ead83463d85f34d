"""Tables as CSV: lines end with LF, a field that would be misread is quoted, and no text is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The beginning of a text that a spreadsheet would compute, with the apostrophes that may stand before it."""


def format_csv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    """Rows by column name, as CSV with a header; None is an empty field.

    A text that a spreadsheet would compute, as `=1+1` or `- he said`, gets an apostrophe before it; numbers stay.
    """
    lines = _Lines()
    writer = csv.DictWriter(lines, list(columns))
    writer.writeheader()
    writer.writerows({name: _guard(cell) for name, cell in row.items()} for row in rows)
    return lines.getvalue()


def read_csv(text: str) -> Iterator[dict[str, str]]:
    """The rows that `format_csv` wrote, by column name, with texts as they were."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        yield {name: _restore(cell) for name, cell in row.items()}


def _restore(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell


def _guard(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


class _Lines(io.StringIO):
    """Ends lines with LF. With `lineterminator="\\n"`, csv would not quote a field that contains CR."""

    def write(self, line: str) -> int:
        return super().write(line.removesuffix("\r\n") + "\n")
