"""One folder holds one run: what a person finds in OUT while runs come, fail and take one another's place."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from byheart.launch.compiled import Compiled
from byheart.launch.local_run import run_local
from byheart.launch.record import compare
from byheart.launch.run_file import read_run_file
from byheart.measures.results import Results
from tests.conftest import BOOK, MODEL, ROOT, launch, launch_command
from tests.launch.conftest import compiled as compiled

TEXT = BOOK.read_text(encoding="utf-8")
SETTINGS = ("cursor_inc=100", "dpi=20")
pytestmark = pytest.mark.timeout(300)


def write_book(path: Path, start: int = 0, characters: int = 3_000) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT[start : start + characters], encoding="utf-8")
    return str(path)


def read_files(out: Path) -> dict[str, bytes]:
    paths = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def check_sums(out: Path) -> set[str]:
    """The files of the run, as `sha256sum` finds them."""
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=True)
    return {line.removesuffix(": OK") for line in done.stdout.splitlines()} | {"SHA256SUMS"}


def test_runs_fail_and_take_one_another_s_place(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    out = folder / "out"
    first = launch_into(folder, write_book(folder / "first book.txt"))
    assert first.returncode == 0, first.stderr
    assert (
        read_files(out).keys()
        == check_sums(out)
        >= {"log.txt", "run.yaml", "first-book/text.txt", "first-book/chapters.json"}
    )
    (out / "notes.md").write_text("mine", encoding="utf-8")
    (out / "first-book" / "notes.md").write_text("mine", encoding="utf-8")
    before = read_files(out)

    failed = launch_into(folder, str(folder / "no book.txt"))
    assert failed.returncode == 1
    assert failed.stderr.strip().endswith(f"no book.txt: check the path: the log is {out}/failed/log.txt")
    assert "no book.txt" in (out / "failed" / "log.txt").read_text(encoding="utf-8")
    assert {name: data for name, data in read_files(out).items() if not name.startswith("failed/")} == before

    other = launch_into(folder, write_book(folder / "other.txt", 4_000))
    assert other.returncode == 0, other.stderr
    assert read_files(out).keys() == check_sums(out) | {"notes.md", "first-book/notes.md"}
    assert [book.book.name for book in Results.open(out).books] == ["other"]


def launch_into(folder: Path, book: str) -> "subprocess.CompletedProcess[str]":
    return launch(folder, *SETTINGS, books=book)


def test_each_book_appears_whole_while_the_run_goes_on(tmp_path: Path) -> None:
    write_book(tmp_path / "books" / "a.txt")
    write_book(tmp_path / "books" / "b.txt", 4_000)
    command = launch_command(tmp_path, "cursor_inc=100", "dpi=200", books=str(tmp_path / "books"))
    out = tmp_path / "out"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        while not (out / "unfinished" / "a").exists():
            assert run.poll() is None
            time.sleep(0.01)
        early = {path.name for path in (out / "unfinished" / "a").iterdir()}
        assert not (out / "unfinished" / "b").exists()
        assert not (out / "provenance.json").exists()
    assert run.returncode == 0
    assert {path.name for path in (out / "a").iterdir()} == early
    assert {path.name for path in (out / "b").iterdir()} == early
    assert not (out / "unfinished").exists()


def test_run_file_of_a_run_gives_the_same_wherever_it_is_moved_with_its_books(
    tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "my project"
    write_book(project / "books" / "a.txt")
    shutil.copytree(MODEL, project / "model")
    monkeypatch.chdir(project)
    values = {"books": ["books"], "model": ["model"], "store": "store", "cursor_inc": 100, "dpi": 20, "top_k": 20}
    first = run_local(values, "results/first")
    assert (project / "results" / "first" / "run.yaml").read_text(encoding="utf-8").splitlines()[1:5] == [
        "name: first", "model: ../../model", "books:", "- ../../books",
    ]  # fmt: skip

    moved = project.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    run = read_run_file(moved / "results" / "first" / "run.yaml", compiled)
    assert run.recorded
    again = run_local(run.values, "again", name=run.name)
    assert compare(run.recorded, again) == "as run.yaml says: 1 book, the model, every setting and the headline"
    one, other = (results.books[0].statistics.plain for results in (first, again))
    assert one == other


def test_text_of_the_books_stands_nowhere_where_it_is_not_wanted(tmp_path: Path) -> None:
    book = write_book(tmp_path / "a.txt", characters=9_000)
    done = launch(tmp_path, *SETTINGS, "report_text=none", books=book)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    (results,) = Results.open(out).books
    assert results.read_text() is None
    assert not (out / "a" / "text.txt").exists()
    assert {chapter.title for chapter in results.read_chapters()} == {""}
    passages = results.read_passages()
    assert passages
    assert {(passage.text, passage.chapter) for passage in passages} == {(None, None)}
    for column in pq.read_table(out / "a" / "windows.parquet", columns=["token_ids", "top_token_ids"]):
        assert set(np.ravel(column.to_pylist())) == {-1}
    pieces = {TEXT[start : start + 20].encode() for start in range(0, 9_000, 5)}
    for name, data in read_files(out).items():
        assert not [piece for piece in pieces if piece in data], name


def test_checkout_and_folders_may_have_blanks_and_python3_in_their_paths(tmp_path: Path) -> None:
    """KFP puts paths unquoted into a command, in place of each `python3`."""
    checkout = tmp_path / "my python3 checkout"
    for name in ("byheart", "components"):
        shutil.copytree(ROOT / name, checkout / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pipeline.py", "models.yaml"):
        shutil.copy(ROOT / name, checkout)
    (checkout / "environment").symlink_to(sys.prefix)
    write_book(checkout / "my books" / "a.txt")
    (checkout / "my temporary files").mkdir()
    values = {"books": ["my books"], "model": [str(MODEL)], "store": "a python3 store", "cursor_inc": 100, "dpi": 20}
    program = f"from byheart.launch.local_run import run_local; run_local({values!r}, 'my python3 results/first one')"
    done = subprocess.run(
        [checkout / "environment" / "bin" / "python", "-c", program], cwd=checkout, capture_output=True, text=True,
        check=False, env={**os.environ, "TMPDIR": str(checkout / "my temporary files")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "my python3 results" / "first one" / "a" / "text.txt").exists()
    assert list((checkout / "a python3 store").rglob("part-*"))
    assert not list((checkout / "my temporary files").iterdir())
