"""Writes what these pages take from the source, where it stands once: `python -m docs`.

That is the JSON Schema of statistics.json, the tables of fields, and the pages of the charts and the commands.
tests/test_docs.py fails where a file is not what it would be.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from byheart.command.app import app
from byheart.components.plot.charts import MODULES
from byheart.contracts.settings import Settings
from byheart.contracts.text_report import TextReport
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.chapters import ListedChapter
from byheart.measures.comparison.rows import ComparisonRow, Measure
from byheart.measures.passages import ListedPassage
from byheart.measures.provenance import Provenance, RunProvenance
from byheart.measures.schema import format_markdown_table, list_table_rows, make_statistics_schema
from byheart.measures.statistics import BookStatistics
from byheart.measures.summary import Summary

DOCS = Path(__file__).parent
_TABLES = (BookStatistics, Calibration, Provenance, ListedPassage, ListedChapter, Summary, ComparisonRow)
_OWN_PAGE = {BookStatistics: (RunProvenance,), Summary: (RunProvenance,), Provenance: (Settings, TextReport)}
"""Classes whose fields are listed elsewhere."""
_PLACE = re.compile(r"(<!-- fields of (\w+), by `python -m docs` -->\n).*?(<!-- end -->)", re.DOTALL)
_MEASURES = re.compile(r"(<!-- measures of a comparison, by `python -m docs` -->\n).*?(<!-- end -->)", re.DOTALL)


def written() -> dict[Path, str]:
    """Every file that holds something from the source, with the content that it should have."""
    files = {DOCS / "statistics.schema.json": json.dumps(make_statistics_schema(), indent=2, ensure_ascii=False) + "\n"}
    tables = {
        kind.__name__: format_markdown_table(list_table_rows(kind, closed=_OWN_PAGE.get(kind, ()))) for kind in _TABLES
    }
    for page in sorted((DOCS / "outputs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        filled = _PLACE.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", text)
        if _PLACE.search(text):
            files[page] = filled
    files[DOCS / "outputs" / "charts.md"] = _charts()
    comparison = DOCS / "outputs" / "comparison.md"
    rows = "".join(f"| `{measure}` | {measure.sentence} |\n" for measure in Measure)
    table = f"| `measure` | the number |\n|---|---|\n{rows}"
    files[comparison] = _MEASURES.sub(lambda found: f"{found[1]}{table}{found[2]}", files[comparison])
    files[DOCS / "commands.md"] = _commands()
    return files


def _commands() -> str:
    """The page of the commands: what stands at its top, and what each command says with --help."""
    top, mark, _ = (DOCS / "commands.md").read_text(encoding="utf-8").partition("<!-- by `python -m docs` -->\n")
    sections = [top + mark]
    for words in _command_words(typer.main.get_command(app)):
        said = CliRunner().invoke(app, [*words, "--help"], prog_name="byheart").stdout
        sections.append(f"## {' '.join(('byheart', *words))}\n\n```\n{said.strip()}\n```\n")
    return "\n".join(sections)


def _command_words(command: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command below this one, and of itself."""
    yield before
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command_words(inner, (*before, name))


def _charts() -> str:
    """The page of the charts: what stands at the top of each one's file."""
    sections = ["# The charts of a book\n\nEach is a `.png` and an `.svg`. The pictures are the sample's.\n"]
    for name, module in MODULES.items():
        said, _, rest = (module.__doc__ or "").strip().partition("\n\n")
        there = (DOCS / "pictures" / f"{name}.png").is_file()
        picture = [f"![{name} of the sample](../pictures/{name}.png)"] if there else []
        sections.append("\n\n".join([f"## {name}", said, *picture, *([rest] if rest else [])]) + "\n")
    return "\n".join(sections)


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="utf-8")
        print(path.relative_to(DOCS.parent))
