"""The script of the report: one file of all modules, each of which stands after what it uses."""

import re
import shutil
import subprocess
from pathlib import Path

import byheart.components.plot.report
from byheart.pages.assembly import join_modules, order_modules
from byheart.pages.shared import SCRIPTS

OWN = Path(byheart.components.plot.report.__file__).parent / "js"
MODULES = order_modules(("table.mjs", "app.mjs"), (SCRIPTS, OWN))
_IMPORT = re.compile(r'^import \{ (.+) \} from "(.+)";$', re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def test_every_module_of_the_report_is_in_its_script() -> None:
    assert {*OWN.glob("*.mjs")} <= {*MODULES}


def test_every_import_names_what_the_module_exports() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in MODULES}
    for name, text in files.items():
        imports = _IMPORT.findall(text)
        assert len(imports) == len(re.findall(r"^import ", text, re.MULTILINE)), name
        for names, source in imports:
            target = files[source.rpartition("/")[2]]
            exported = re.findall(r"^export (?:async )?(?:function\*?|class|const) (\w+)", target, re.MULTILINE)
            assert {*names.split(", ")} <= {*exported}, f"{name}: {names}"


def test_no_two_modules_have_a_name_in_common() -> None:
    names = [name for path in MODULES for name in _TOP_LEVEL.findall(path.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted({*names})


def test_the_script_never_makes_markup_of_text_and_reaches_for_nothing() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|fetch\(|XMLHttp", text
        ), path.name


def test_the_script_is_one_that_node_can_parse(tmp_path: Path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(join_modules(MODULES), encoding="utf-8")
    node = shutil.which("node")
    assert node, "the scripts of the report are tested with Node.js 18 or later"
    subprocess.run([node, "--check", str(script)], check=True, capture_output=True, text=True)
