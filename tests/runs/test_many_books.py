"""Many books of which some are bad, under a model on the Hub: one load, and results for all that can be measured."""

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BOOK, MODEL, launch
from tests.hub import HubServer

TEXT = BOOK.read_text(encoding="utf-8")
GOOD = {f"slice-{number}": TEXT[5_000 * number : 5_000 * number + 2_000].encode() for number in range(3)}
BAD = {
    "binary": b"\x7fELF\0\0\0",
    "empty": b"",
    "latin": "Straße".encode("latin-1") * 99,
    "short": b"The end.",
    "utf16": "The ferryman".encode("utf-16"),
}
SETTINGS = ("cursor_inc=50", "dpi=20")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How one ended."""

    folder: Path
    done: subprocess.CompletedProcess[str]

    def windows(self) -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in (self.folder / "out").rglob("windows.parquet")}


def _run(folder: Path, hub: HubServer, *settings: str) -> Run:
    books = folder / "books"
    books.mkdir(parents=True)
    for name, data in (GOOD | BAD).items():
        (books / f"{name}.txt").write_bytes(data)
    around = {"HF_ENDPOINT": hub.endpoint}
    done = launch(folder, *SETTINGS, *settings, environment=around, books=str(books), model="toy/sample")
    return Run(folder=folder, done=done)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_folder("toy/sample", MODEL)
        yield hub


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Run:
    return _run(tmp_path_factory.mktemp("many"), hub)


def test_good_books_are_measured_and_the_run_ends_failed(failed: Run) -> None:
    assert failed.done.returncode == 1
    assert failed.windows().keys() == GOOD.keys()
    (error,) = failed.done.stderr.splitlines()
    assert error.startswith("error: verdict: every book must be measured, found 5 that are not")
    assert "summary.csv sets the books side by side" in failed.done.stdout
    page = (failed.folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "Not measured: 5" in page
    assert all(name in page for name in GOOD)
    assert len((failed.folder / "out" / "summary.csv").read_text().splitlines()) == 1 + len(GOOD)


@pytest.mark.parametrize("name", BAD)
def test_each_bad_book_is_named_at_the_door_and_in_the_provenance(failed: Run, name: str) -> None:
    path = str(failed.folder / "books" / f"{name}.txt")
    lines = [line for line in failed.done.stdout.splitlines() if path in line]
    assert lines, failed.done.stdout
    provenance = json.loads((failed.folder / "out" / "provenance.json").read_text(encoding="utf-8"))
    (refused,) = [refused for refused in provenance["not_measured"] if refused["source"] == path]
    assert refused["why"] in lines[0]


def test_model_is_loaded_once_for_all_books(failed: Run) -> None:
    extract = [line for line in failed.done.stdout.splitlines() if line.startswith(" extract")]
    assert len([line for line in extract if "done in" in line]) == 1
    assert "3 of 3 books done" in extract[-3]


def test_model_is_recorded_with_its_full_commit(failed: Run, hub: HubServer) -> None:
    provenance = json.loads((failed.folder / "out" / "provenance.json").read_text(encoding="utf-8"))
    (commit,) = hub.repositories.all["toy/sample"].commits
    assert (provenance["model"]["source"], provenance["model"]["commit"]) == ("toy/sample", commit)


def test_shards_give_the_same_and_bad_books_may_be_skipped(failed: Run, hub: HubServer, tmp_path: Path) -> None:
    shared = _run(tmp_path, hub, "shards=2", "on_bad_book=skip")
    assert shared.done.returncode == 0, shared.done.stderr
    assert "5 of the books are not measured" in shared.done.stdout
    parts = [
        {path.relative_to(run.folder): path.read_bytes() for path in (run.folder / "store" / "scores").rglob("part-*")}
        for run in (failed, shared)
    ]
    assert parts[0] == parts[1]
