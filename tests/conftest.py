"""One run of the bundled sample, through the command line, for all tests that look at what comes out."""

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
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


def pytest_configure(config: pytest.Config) -> None:
    """Have JAX compile each program once for all tests, in whichever of their processes."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="byheart-compiled-")
        config.add_cleanup(folder.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where `NO_SKIPS` is set, a test that skips has failed."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and os.environ.get("NO_SKIPS"):
        report.outcome = "failed"
    return report


@functools.cache
def compiled() -> str:
    """The compiled pipeline, made once by the command line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        command = [sys.executable, "-m", "byheart", "compile", str(path)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        return path.read_text(encoding="utf-8")


def launch_command(
    folder: Path,
    *settings: str,
    books: str = str(BOOK),
    model: str = str(MODEL),
    controls: tuple[str, ...] = (),
    store: str | None = None,
) -> list[str]:
    """A run whose store and results lie in `folder`."""
    places = ["--store", store or str(folder / "store"), "--out", str(folder / "out")]
    of_controls = [word for control in controls for word in ("--control", control)]
    return [sys.executable, "-m", "byheart", "run", books, *settings, "--model", model, *of_controls, *places]


def launch(
    folder: Path, *settings: str, environment: Mapping[str, str] | None = None, **what: Any
) -> subprocess.CompletedProcess[str]:
    """That run, to its end, with variables beside those of this process."""
    command = launch_command(folder, *settings, **what)
    around = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=around)


def parts(folder: Path) -> dict[Path, int]:
    """The score parts in the folder's store, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "store").rglob("part-*.parquet")}


def processes_of(folder: Path) -> list[str]:
    """The processes that name the folder in their command line: the runner and its stages do."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The results of the sample and its control with the pipeline's defaults, and beside them `printed.txt`.

    The run is made once, by whichever of the tests' processes comes first; once for all targets where SAMPLE_RUN names
    a folder for it, as `.ci/run` does.
    """
    shared = tmp_path_factory.getbasetemp()
    folder = Path(os.environ.get("SAMPLE_RUN") or (shared if worker_id == "master" else shared.parent)) / "sample"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "out" / "printed.txt").exists():
            done = launch(folder, *CONTROLLED, controls=(str(CONTROL),))
            assert done.returncode == 0, done.stderr
            (folder / "out" / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder / "out"
