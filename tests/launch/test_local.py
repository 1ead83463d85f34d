"""Runs on this machine, through the command line, as a person starts them."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import BOOK, CONTROL, CONTROLLED, ROOT, launch, launch_command

COLUMNS = [
    "book", "cursor", "start", "suffix_start", "stop", "token_ids", "token_stops", "log_p_z", "log_p_z_top_k", "greedy",
    "token_log_probs", "token_ranks", "token_log_top_k_mass", "prompt_overlap", "book_overlap",
    "compressed_bytes_per_character", "repetitive",
]  # fmt: skip
CHARTS = ("heat_map", "p_z_histogram", "extraction_rates", "coverage")
FILES = {
    *(f"{chart}.{suffix}" for chart in CHARTS for suffix in ("png", "svg")),
    "statistics.json", "windows.parquet", "passages.csv", "control_sample.parquet",
}  # fmt: skip


def start(folder: Path) -> subprocess.Popen[str]:
    """A run of some ten seconds, once it scores windows."""
    book = folder / "book.txt"
    book.write_text(BOOK.read_text(encoding="utf-8")[:12_000], encoding="utf-8")
    command = launch_command(folder, "cursor_inc=2", "slice_length=600", books=str(book))
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert run.stdout
    for line in run.stdout:
        if "windows/s" in line:
            return run
    raise AssertionError(f"the run ended early: {run.communicate()[1]}")


def processes_of(folder: Path) -> list[str]:
    """The processes that name the folder in their command line: the runner and its stages do."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def silence_stage(folder: Path) -> None:
    """Stop the running stage, so that it cannot end by itself when nobody listens to it any more."""
    stages = [int(line.split()[0]) for line in processes_of(folder) if "executor_main" in line]
    assert stages
    for process in stages:
        os.kill(process, signal.SIGSTOP)


def gone(folder: Path, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes_of(folder)


def parts(folder: Path) -> dict[Path, int]:
    """The score parts in the folder's store, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "store").rglob("part-*.parquet")}


def test_run_leaves_what_it_promises_and_says_where(sample_run: Path) -> None:
    book = sample_run / BOOK.stem
    printed = (sample_run / "printed.txt").read_text(encoding="utf-8")
    for file in (book / "heat_map.png", sample_run / "summary.csv", sample_run / "methods.md"):
        assert str(file) in printed
    for name in (BOOK.stem, CONTROL.stem):
        assert {path.name for path in (sample_run / name).iterdir()} == FILES
    assert f"{CONTROL.stem}, control" in printed
    assert (
        "51.4%  of measurable characters (99.6% of all) have p_z ≥ 0.5; 95% interval 22% to 80%, control 0.0%"
        in printed
    )
    assert "windows/s" in printed
    assert pq.read_schema(book / "windows.parquet").names == COLUMNS
    provenance = json.loads((sample_run / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["model"]["parameters"] == 1_488_192
    assert provenance["settings"]["placement"]["accelerator"] == "cpu", "what auto asks for is on a cluster"
    assert provenance["books"][BOOK.stem]["computed_on"][0]["precision"] == "float32"
    assert not processes_of(sample_run.parent)


def test_second_run_computes_nothing_again_and_gives_the_same_bytes(sample_run: Path, tmp_path: Path) -> None:
    before = parts(sample_run.parent)
    (tmp_path / "store").symlink_to(sample_run.parent / "store")
    done = launch(tmp_path, *CONTROLLED, controls=(str(CONTROL),))
    total = sum(pq.read_metadata(path).num_rows for path in before)
    assert f"{total:,} windows of 2 books, {total:,} scored already" in done.stdout
    assert parts(sample_run.parent) == before
    of_books = [f"{name}/{file}" for name in (BOOK.stem, CONTROL.stem) for file in sorted(FILES)]
    for file in (*of_books, "summary.csv", "summary.json", "summary.html", "summary.md", "methods.md"):
        assert (tmp_path / "out" / file).read_bytes() == (sample_run / file).read_bytes(), file


def test_several_books_are_measured_in_one_run(tmp_path: Path) -> None:
    text = BOOK.read_text(encoding="utf-8")
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text(text[:3_000], encoding="utf-8")
    (tmp_path / "books" / "b.txt").write_text(text[4_500:7_500], encoding="utf-8")
    done = launch(tmp_path, "batch_size=32", "bos=true", books=str(tmp_path / "books"))
    assert done.returncode == 0, done.stderr
    shares = {
        book: json.loads((tmp_path / "out" / book / "statistics.json").read_text(encoding="utf-8"))["headline"]
        for book in ("a", "b")
    }
    assert shares["a"]["share_of_windows_at_0.001"] > 0.9
    assert shares["b"]["share_of_windows_at_0.001"] == 0.0


def test_fault_of_the_program_is_named_with_the_log_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYHEART_PROGRESS_SECONDS", "often")
    done = launch(tmp_path)
    assert done.returncode == 1
    assert "ValueError: could not convert string to float: 'often'" in done.stderr
    assert "Traceback" in (tmp_path / "out" / "log.txt").read_text(encoding="utf-8")
    assert str(tmp_path / "out" / "log.txt") in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_leaves_no_process_behind(tmp_path: Path, how: signal.Signals) -> None:
    run = start(tmp_path)
    silence_stage(tmp_path)
    run.send_signal(how)
    _, errors = run.communicate(timeout=10)
    assert run.returncode == 130
    assert "run the same command again" in errors
    assert gone(tmp_path, seconds=5)


def test_runner_that_is_killed_takes_its_stages_along_and_loses_no_part(tmp_path: Path) -> None:
    run = start(tmp_path)
    while not parts(tmp_path):
        time.sleep(0.1)
    silence_stage(tmp_path)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=10)
    assert gone(tmp_path, seconds=5)
    kept = parts(tmp_path)
    assert kept

    again = start(tmp_path)
    assert {path: parts(tmp_path)[path] for path in kept} == kept
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=10)
