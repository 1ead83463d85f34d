"""The scripts of the report are written so that they can be joined into one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from byheart.pages.assembly import order_modules
from tests.conftest import ROOT

FOLDERS = (ROOT / "byheart" / "pages" / "js", ROOT / "components" / "plot" / "report" / "js")
FILES = [file for folder in FOLDERS for file in sorted(folder.glob("*.mjs"))]
_NAME = re.compile(r"^(?:export )?(?:async )?(?:const|let|var|function\*?|class) (\w+)", re.MULTILINE)


def test_top_level_names_of_all_files_are_different() -> None:
    names = Counter(name for file in FILES for name in _NAME.findall(file.read_text(encoding="utf-8")))
    assert names["startReader"] == 1, "the names must be found"
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_stand_on_a_line_each_and_rename_nothing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("import"):
            assert re.fullmatch(r'import \{ [\w, ]+ \} from "[./\w]+\.mjs";', line)
            assert " as " not in line
    assert "export default" not in text
    assert "export {" not in text


def test_every_script_of_the_report_is_on_the_page() -> None:
    assert {file.name for file in order_modules(["table.mjs", "app.mjs"], FOLDERS)} == {file.name for file in FILES}
