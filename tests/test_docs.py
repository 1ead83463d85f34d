"""The docs are about the files that there are; their commands are run by `make test-docs`."""

import json
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import jsonschema
import pytest
import yaml

from audit.licences import find_licence
from byheart.components.plot.charts import CHARTS
from docs.__main__ import written
from tests.conftest import BOOK, CONTROL, ROOT


def test_pages_hold_what_the_source_says_of_them() -> None:
    pages = written()
    stale = [path.name for path, content in pages.items() if path.read_text(encoding="utf-8") != content]
    assert not stale, "write them anew: python -m docs"
    assert [path.name for path, content in pages.items() if " |  |\n" in content] == [], "each field has its sentence"


@pytest.mark.parametrize("name", [BOOK.stem, CONTROL.stem])
def test_statistics_are_those_of_the_schema(sample_run: Path, name: str) -> None:
    schema = json.loads((ROOT / "docs" / "statistics.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((sample_run / name / "statistics.json").read_text(encoding="utf-8")), schema)


def test_every_file_of_a_run_has_a_page_that_the_readme_links(sample_run: Path) -> None:
    files = {path.stem for path in sample_run.rglob("[!.]*.*") if path.is_file() and path.name != "printed.txt"}
    pages = {path.stem for path in (ROOT / "docs" / "outputs").glob("*.md")}
    assert files - set(CHARTS) == pages - {"charts", "comparison"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"docs/outputs/{page}.md" in readme for page in pages)


def test_readme_has_the_samples_numbers(sample_run: Path) -> None:
    statistics = json.loads((sample_run / BOOK.stem / "statistics.json").read_text(encoding="utf-8"))
    coverage, windows, longest, bits = statistics["headline"].values()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:characters|windows|bits)[^|]*\| ([^|]*) \|", readme, re.MULTILINE)
    assert rows == [f"{coverage:.1%}", f"{windows:.1%}", f"{longest:,}", f"{bits:.2f}"]
    assert all(f"not{word}" in readme for word in (" that the model recites", " proof of memory", " one answer"))


def test_every_direct_dependency_has_a_row_with_its_licence_and_no_row_is_stale() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    of_project = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    lists = [*of_project, *project["dependency-groups"].values()]
    asked = {re.split(r"[\[<>=!~ ;]", name)[0] for names in lists for name in names if isinstance(name, str)}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").partition("## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")][2:]
    assert sorted(package for package, *_ in rows) == sorted(asked)
    assert {package: licence for package, _, _, licence in rows} == {
        package: find_licence(metadata(package).json) for package in asked
    }


def test_citation_names_this_tool_and_both_papers() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"].startswith("byheart")
    assert [reference["url"][-10:] for reference in citation["references"]] == ["2505.12546", "2410.19482"]
