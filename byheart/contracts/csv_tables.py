"""Tables as CSV: lines end with LF, and a field that would be misread is quoted."""

import csv
import io
from collections.abc import Iterable
from typing import Any


def format_csv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    """Rows by column name, as CSV with a header; None is an empty field."""
    lines = _Lines()
    writer = csv.DictWriter(lines, list(columns))
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue()


class _Lines(io.StringIO):
    """Ends lines with LF. With `lineterminator="\\n"`, csv would not quote a field that contains CR."""

    def write(self, line: str) -> int:
        return super().write(line.removesuffix("\r\n") + "\n")
