"""One run of the bundled sample, through the command line, for all tests that look at what comes out."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "samples" / "the-soap-winter.txt"
CONTROL = ROOT / "samples" / "the-lamp-ledger.txt"
MODEL = ROOT / "samples" / "model"
CONTROLLED = ("control_sample=200",)
"""The settings of the sample run that are not the pipeline's defaults."""

settings.register_profile("byheart", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("byheart")
os.environ["BYHEART_COMMIT"] = "0" * 40  # else a commit between two runs would stand in the files of the second


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where `EXPECTED_SKIPS` is set, a test that skips for a reason that it does not match has failed."""
    report = yield
    expected = os.environ.get("EXPECTED_SKIPS")
    if (
        report.skipped
        and expected
        and isinstance(report.longrepr, tuple)
        and not re.search(expected, report.longrepr[2])
    ):
        report.outcome = "failed"
    return report


def launch_command(
    folder: Path,
    *settings: str,
    books: str = str(BOOK),
    model: str = str(MODEL),
    controls: tuple[str, ...] = (),
    store: str | None = None,
) -> list[str]:
    """A run whose pipeline, store and results lie in `folder`."""
    pipeline = folder / "pipeline.yaml"
    if not pipeline.exists():
        subprocess.run(
            [sys.executable, "-m", "byheart.launch", "compile", pipeline], check=True, capture_output=True, cwd=ROOT
        )
    places = ["--store", store or str(folder / "store"), "--out", str(folder / "out")]
    what = ["--books", books, "--controls", *controls, "--model", model]
    return [sys.executable, "-m", "byheart.launch", "run", str(pipeline), *places, *what, "--set", *settings]


def launch(folder: Path, *settings: str, **what: Any) -> subprocess.CompletedProcess[str]:
    """That run, to its end."""
    command = launch_command(folder, *settings, **what)
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def parts(folder: Path) -> dict[Path, int]:
    """The score parts in the folder's store, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "store").rglob("part-*.parquet")}


def processes_of(folder: Path) -> list[str]:
    """The processes that name the folder in their command line: the runner and its stages do."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the sample and its control with the pipeline's defaults, and beside them `printed.txt`."""
    folder = tmp_path_factory.mktemp("sample")
    done = launch(folder, *CONTROLLED, controls=(str(CONTROL),))
    assert done.returncode == 0, done.stderr
    (folder / "out" / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder / "out"
