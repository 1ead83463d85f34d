"""Runs that are ended in their midst leave nothing behind, and lose nothing."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import BOOK, ROOT, launch_command, parts, processes_of


def start(folder: Path, *wrapper: str) -> subprocess.Popen[str]:
    """A run of some ten seconds, once it scores windows; started by another command, if one is given."""
    book = folder / "book.txt"
    book.write_text(BOOK.read_text(encoding="utf-8")[:12_000], encoding="utf-8")
    command = launch_command(folder, "cursor_inc=2", "slice_length=600", books=str(book))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as in a shell, also where these tests run under nohup
    try:
        run = subprocess.Popen(
            [*wrapper, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    assert run.stdout
    for line in run.stdout:
        if "windows/s" in line:
            return run
    raise AssertionError(f"the run ended early: {run.communicate()[1]}")


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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupting_leaves_no_process_behind(tmp_path: Path, how: signal.Signals) -> None:
    run = start(tmp_path)
    silence_stage(tmp_path)
    run.send_signal(how)
    _, errors = run.communicate(timeout=10)
    assert run.returncode == 130
    assert "run the same command again" in errors
    assert gone(tmp_path, seconds=5)
    assert not (tmp_path / "out" / "unfinished").exists()


def test_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    run = start(tmp_path, "nohup")
    run.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(timeout=1)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=10)
    assert run.returncode == 130


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
