"""What the launcher reads out of a run's output, and shows."""

import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from byheart.contracts.errors import StoreError
from byheart.contracts.progress import ERROR, Progress, parse_line, say, stage
from byheart.launch.display import Display
from tests.conftest import ROOT


def line(capsys: pytest.CaptureFixture[str], *what: Any, **fields: Any) -> str:
    """A line as a stage says it."""
    say(*what, **fields)
    return capsys.readouterr().out


def test_what_a_stage_says_is_read_from_among_what_others_print(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line(capsys, text) for text in ('p_z ≥ 0.5: {"time": "now"}', "two\nlines", "\u2028", "x" * 100_000)]
    for text in lines:
        read = parse_line(text)
        assert read
        for before in ("    ", "        50%|##   | 1/2", "{a} "):
            assert parse_line(before + text) == read
    assert [said.message[:20] for said in map(parse_line, lines) if said] == [
        'p_z ≥ 0.5: {"time": ', "two\nlines", "\\u2028", "x" * 20,
    ]  # fmt: skip
    fault = parse_line(line(capsys, "it is so", ERROR, exception="Traceback"))
    assert fault
    assert (fault.is_error, fault.message, fault.exception, fault.may_pass) == (True, "it is so", "Traceback", True)


@pytest.mark.parametrize("may_pass", [False, True])
def test_error_of_a_stage_is_read_with_its_facts(may_pass: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), stage("download"):
        raise StoreError("no bucket", parameter="store", may_pass=may_pass)
    read = parse_line(capsys.readouterr().out)
    assert read
    error = read.failure()
    assert (error.message, error.stage, error.parameter, error.may_pass) == (
        "download: no bucket", "download", "store", may_pass,
    )  # fmt: skip


def test_line_is_read_whatever_the_order_of_its_fields() -> None:
    read = parse_line('{"message": "m", "stage": "plot", "new": {"a": 1}, "severity": "INFO"}')
    assert read
    assert (read.message, read.stage, read.is_error) == ("m", "plot", False)


@pytest.mark.parametrize(
    "text", ["", "12:00:00.000 - INFO - Status: SUCCESS\n", "plot | a line\n", '{"time": "2026', '{"a": 1}', "{}"]
)
def test_what_no_stage_says_is_no_line_of_the_story(text: str) -> None:
    assert parse_line(text) is None


SHOWN = """
from byheart.contracts.progress import StageLine
from byheart.launch.display import Display
with Display() as story:
    for said in {said}:
        story.show(said)
"""


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setenv("BYHEART_PROGRESS_SECONDS", "0.5")
    with stage("extract"):
        say("3 windows")
        progress = Progress(300, "windows")
        for _ in range(3):
            now += 1
            progress.add(100)
    said = [parse_line(text) for text in capsys.readouterr().out.splitlines()]
    with Display() as story:
        for each in said:
            assert each
            story.show(each)
    lines = [
        " extract  3 windows",
        " extract  100 / 300 windows, 100 windows/s, 2.0 s left",
        " extract  200 / 300 windows, 100 windows/s, 1.0 s left",
        " extract  300 / 300 windows, 100 windows/s, 0.0 s left",
        " extract  done in 3.0 s",
    ]
    assert capsys.readouterr().out.splitlines() == lines

    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    subprocess.run(
        [sys.executable, "-c", SHOWN.format(said=said)], stdout=theirs, cwd=ROOT, check=True, env=environment
    )
    os.close(theirs)
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", os.read(ours, 65_536).decode())
    os.close(ours)
    screen = [row.rpartition("\r")[2] for row in drawn.split("\r\n")]
    assert screen[0] == lines[0]
    assert "━" * 24 in screen[1]
    assert screen[1].endswith(lines[3].removeprefix(" extract  "))
    assert screen[2] == lines[4]
