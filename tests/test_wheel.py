"""What `pip install .` puts on a machine: the package, and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_house import SOURCES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def test_wheel_holds_every_module_under_its_one_name_and_nothing_beside_the_package(installed: Path) -> None:
    package, about = sorted(installed.iterdir())
    assert (package.name, about.suffix) == ("byheart", ".dist-info")
    held = {path.relative_to(installed) for path in package.rglob("*.py")}
    top = {Path("byheart") / name for name in ("__init__.py", "__main__.py", "samples/__init__.py")}
    assert held == {path.relative_to(ROOT) for path in SOURCES} | top


def test_wheel_holds_what_a_check_of_a_machine_needs(installed: Path, tmp_path: Path) -> None:
    code = (
        "from byheart.contracts.settings import ScoreSettings; from byheart.desk.check import check_sample; "
        "check_sample(ScoreSettings(temperature=1.0, top_k=40, precision='float32'))"
    )
    command = [sys.executable, "-P", "-c", code]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("right: this machine scores as transformers does\n"), done.stderr


def test_pipeline_compiles_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    def compiled(code: Path) -> bytes:
        path = tmp_path / f"{code.name}.yaml"
        command = [sys.executable, "-P", "-m", "byheart", "compile", str(path)]
        subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(code)}, check=True, capture_output=True)
        return path.read_bytes()

    of_wheel, of_checkout = (compiled(code).splitlines() for code in (installed, ROOT))
    different = {line for pair in zip(of_wheel, of_checkout, strict=True) for line in pair if pair[0] != pair[1]}
    assert different
    assert all(b"image: byheart-" in line for line in different), "the tags name a checkout's commit"
