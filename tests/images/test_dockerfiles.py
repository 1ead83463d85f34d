"""The Dockerfile and its locks, read; built and run they are in tests/containers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from byheart.launch.images import LAUNCH, STAGES
from tests.conftest import ROOT
from tests.test_house import imports

STARTS = {stage: f"byheart.components.{stage}.run" for stage in STAGES} | {LAUNCH: "byheart.launch.submit"}
"""The module that a container starts."""
DOCKERFILE = ROOT / "images" / "Dockerfile"
LOCKS = sorted((ROOT / "images" / "requirements").iterdir())


def copied(image: str) -> dict[str, str]:
    """The paths in the project that an image is given, by where each lies below /app."""
    targets: dict[str, list[str]] = {}
    for line in DOCKERFILE.read_text().splitlines():
        if line.startswith("FROM "):
            targets[line.split(" AS ")[1]] = lines = []
        if line.startswith("COPY ") and "--from" not in line:
            lines.append(line.replace("${STAGE}", image))
    found: dict[str, str] = {}
    for line in targets["shared"] + targets[LAUNCH if image == LAUNCH else "stage"]:
        *sources, place = line.split()[1:]
        found |= {place + Path(source).name if place.endswith("/") else place: source for source in sources}
    return found


def needed(start: str) -> set[str]:
    """The files below the project that a module imports, and those import, and so on."""
    found: set[str] = set()
    left = [start]
    while left:
        path = ROOT / (left.pop().replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if (name := path.relative_to(ROOT).as_posix()) not in found:
            found.add(name)
            inner = imports(ast.parse(path.read_text(encoding="utf-8")))
            left += [module for module in inner if module.startswith("byheart.")]
    return found


@pytest.mark.parametrize("image", STARTS)
def test_image_holds_all_that_its_stage_imports_and_no_other_stage(image: str) -> None:
    paths = copied(image)
    assert all((ROOT / source).exists() for source in paths.values())
    for file in needed(STARTS[image]):
        assert any(file == held or file.startswith(f"{held}/") for held in paths), f"{image} needs {file}"
    stages = {held.split("/")[2] for held in paths if held.startswith("byheart/components/")}
    assert stages == (set() if image == LAUNCH else {"__init__.py", image})


def test_dockerfile_is_clean() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    packages = re.findall(r"^([a-z0-9-]+)==.*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^\S", text, re.MULTILINE)) > 1


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_has_the_versions_that_a_run_at_a_desk_has(lock: Path) -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", path.read_text(), re.MULTILINE))

    desk, image = versions(ROOT / "requirements.txt"), versions(lock)
    shared = desk.keys() & image.keys()
    assert len(shared) > 1
    assert {name: image[name] for name in shared} == {name: desk[name] for name in shared}
