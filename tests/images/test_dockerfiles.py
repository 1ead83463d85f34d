"""The Dockerfiles and their locks, read; built and run they are in tests/containers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from byheart.launch.images import NAMES
from tests.conftest import ROOT
from tests.test_house import imports, module_of

STARTS = {name: [f"byheart.components.{name}.run"] for name in NAMES} | {
    "plot": ["byheart.components.plot.run", "byheart.components.verdict.run"],
    "launch": ["byheart.launch.submit"],
}
"""The modules that a container starts."""
LOCKS = sorted((ROOT / "images").glob("*/requirements*.txt"))


def copied(name: str) -> set[str]:
    """The paths that an image holds."""
    text = (ROOT / "images" / name / "Dockerfile").read_text()
    return {line.split()[1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line}


def needed(start: list[str]) -> set[Path]:
    """The files of the project that these modules import, and those import, and so on."""
    found: set[Path] = set()
    left = list(start)
    while left:
        module = left.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if path not in found:
            found.add(path)
            inner = imports(ast.parse(path.read_text(encoding="utf-8")))
            left += [name for name in inner if name.startswith("byheart.")]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_image_holds_all_that_its_stage_imports_and_no_other_stage(name: str) -> None:
    paths = copied(name)
    for path in needed(STARTS[name]):
        held = (path, *path.parents) if "components" not in path.parts else (_real(path), *_real(path).parents)
        assert any((ROOT / copy) in held for copy in paths), f"{name} needs {module_of(path)}"
    stages = {path.removeprefix("components/") for path in paths if path.startswith("components/")}
    own = {module.split(".")[2] for module in STARTS[name]} if name != "launch" else set()
    assert stages <= {"__init__.py"} | own


def _real(path: Path) -> Path:
    """Where a stage's file lies: byheart/components is a link."""
    return ROOT / path.relative_to(ROOT / "byheart")


def test_dockerfiles_are_clean() -> None:
    files = [ROOT / "images" / name / "Dockerfile" for name in NAMES]
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    packages = re.findall(r"^([a-z0-9-]+)==.*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^\S", text, re.MULTILINE)) > 10


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_lock_has_the_versions_that_a_run_at_a_desk_has(lock: Path) -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", path.read_text(), re.MULTILINE))

    desk, image = versions(ROOT / "requirements.txt"), versions(lock)
    shared = desk.keys() & image.keys()
    assert len(shared) > 10
    assert {name: image[name] for name in shared} == {name: desk[name] for name in shared}
