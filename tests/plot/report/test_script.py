"""The script of the report: one file of all modules, each of which stands after what it uses."""

import re
import shutil
import subprocess
from pathlib import Path

from byheart.components.plot.report.script import OWN, SHARED, list_modules, render_script

_IMPORT = re.compile(r'^import \{ (.+) \} from "(.+)";$', re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def test_every_module_of_the_report_is_in_its_script() -> None:
    assert {path for path in list_modules() if path.parent == OWN} == {*OWN.glob("*.mjs")}
    assert {path for path in list_modules() if path.parent != OWN} <= {*SHARED.glob("*.mjs")}


def test_every_import_is_of_a_module_that_comes_before_and_renames_nothing() -> None:
    for index, path in enumerate(list_modules()):
        text = path.read_text(encoding="utf-8")
        imports = _IMPORT.findall(text)
        assert len(imports) == len(re.findall(r"^import ", text, re.MULTILINE)), path.name
        for names, source in imports:
            target = (path.parent / source).resolve()
            assert target in [module.resolve() for module in list_modules()[:index]], f"{path.name}: {source}"
            exported = re.findall(
                r"^export (?:async )?(?:function\*?|class|const) (\w+)", target.read_text(), re.MULTILINE
            )
            assert {*names.split(", ")} <= {*exported}, f"{path.name}: {names}"


def test_no_two_modules_have_a_name_in_common() -> None:
    names = [name for path in list_modules() for name in _TOP_LEVEL.findall(path.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted({*names})


def test_the_script_never_makes_markup_of_text_and_reaches_for_nothing() -> None:
    for path in list_modules():
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|fetch\(|XMLHttp", text
        ), path.name


def test_the_script_is_one_that_node_can_parse(tmp_path: Path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(render_script(), encoding="utf-8")
    node = shutil.which("node")
    assert node, "the scripts of the report are tested with Node.js 18 or later"
    subprocess.run([node, "--check", str(script)], check=True, capture_output=True, text=True)
