import errno
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import BookError
from byheart.contracts.progress import (
    Progress,
    format_duration,
    format_estimate,
    parse_line,
    read_by_people,
    say,
    stage,
)
from byheart.contracts.termination import REFUSED
from tests.conftest import ROOT


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines that were said where there is no terminal, oldest first."""
    return [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]


def said_on_a_terminal(code: str) -> tuple[str, int]:
    """What a process says on a terminal, its errors too, and its exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, cwd=ROOT) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                text += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), process.returncode


def test_pod_says_one_object_a_line_with_the_names_of_cloud_logging(capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    with stage("plot"):
        say('p_z ≥ 0.5: "a"\nand \u2028 \x1b[1m b')
    first, last = said(capsys)
    assert list(first) == ["message", "severity", "stage", "time"], "Kubeflow's page shows the beginning of a line"
    assert (first["severity"], first["stage"]) == ("INFO", "plot")
    assert first["message"] == 'p_z ≥ 0.5: "a"\nand \\u2028 \\x1b[1m b'
    assert first["time"].endswith("Z")
    assert abs((datetime.fromisoformat(first["time"]) - before).total_seconds()) < 60
    assert last["message"] == f"done in {format_duration(last['elapsed_seconds'])}"


def test_page_for_people_reads_as_on_a_terminal_and_what_follows_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    with read_by_people():
        say("loading")
    assert capsys.readouterr().out.endswith(" | loading\n")
    say("loading")
    assert said(capsys)[0]["message"] == "loading"


def test_name_that_is_no_utf_8_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    say(os.fsdecode(b"caf\xe9.txt"))
    assert said(capsys)[0]["message"] == r"caf\udce9.txt"


def test_line_shows_no_password_and_ends_before_a_container_s_log_cuts_it(capsys: pytest.CaptureFixture[str]) -> None:
    say("asked https://me:secret@hub/x?sig=1: " + "a \x1b" * 100_000)
    line = capsys.readouterr().out
    assert json.loads(line)["message"].startswith(r"asked https://hub/x: a \x1ba")
    assert len(line.encode()) < 2**14


def test_panic_of_a_library_in_rust_is_one_line_like_any_fault(capsys: pytest.CaptureFixture[str]) -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(SystemExit), stage("tokenize"):
        raise PanicException("called `Result::unwrap()`")
    [fault] = said(capsys)
    assert (fault["severity"], "PanicException: called" in fault["message"]) == ("ERROR", True)


def test_terminal_reads_plain_lines() -> None:
    code = "from byheart.contracts.progress import Progress, say, stage\n"
    code += "from byheart.contracts.errors import BookError\n"
    code += "with stage('tokenize'):\n say('p_z ≥ 0.5')\n raise BookError('needed a book,\\nfound none')"
    text, exit_code = said_on_a_terminal(code)
    assert text == "tokenize | p_z ≥ 0.5\ntokenize | error: needed a book, found none\n"
    assert exit_code == 1


def test_fault_of_the_program_keeps_its_traceback_on_a_terminal() -> None:
    text, exit_code = said_on_a_terminal("from byheart.contracts.progress import stage\nwith stage('plot'): 1 / 0")
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert exit_code == 1


@pytest.mark.parametrize("may_pass", [False, True])
def test_error_for_the_user_is_one_line_with_its_facts_and_exit_code_1(
    may_pass: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = BookError("needed a book,\nfound none", parameter="books", may_pass=may_pass)
    with pytest.raises(SystemExit) as caught, stage("tokenize"):
        raise raised
    assert caught.value.code == 1
    assert raised.stage == "tokenize"
    (error,) = said(capsys)
    assert list(error) == ["message", "severity", "stage", "parameter", "may_pass", "time"]
    assert (error["severity"], error["stage"]) == ("ERROR", "tokenize")
    assert error["message"] == "needed a book, found none"
    assert (error["parameter"], error["may_pass"]) == ("books", may_pass)


@pytest.mark.parametrize(
    ("number", "may_pass", "remedy"),
    [
        (errno.ENOSPC, False, "make room or choose another"),
        (errno.EACCES, False, "make"),
        (errno.EIO, True, "run again"),
    ],
)
def test_disk_that_refuses_is_said_in_a_sentence(
    number: int, may_pass: bool, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit), stage("extract"):
        raise OSError(number, os.strerror(number), "part.parquet")
    (error,) = said(capsys)
    assert error["message"].startswith(f"cannot write or read part.parquet: {os.strerror(number)}: {remedy}")
    assert error["may_pass"] == may_pass


def test_fault_of_the_program_is_one_line_that_holds_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, stage("plot"):
        _ = 1 / 0
    assert caught.value.code == 1
    (fault,) = said(capsys)
    assert (fault["severity"], fault["message"]) == ("ERROR", "ZeroDivisionError: division by zero")
    assert fault["exception"].startswith("Traceback (most recent call last):\n")
    assert "_ = 1 / 0" in fault["exception"]


def test_no_line_is_longer_than_a_container_runtime_keeps_whole(capsys: pytest.CaptureFixture[str]) -> None:
    def fall(depth: int) -> float:
        return (1 / depth) + (fall(depth - 1) if depth % 2 else -fall(depth - 1))

    with pytest.raises(SystemExit), stage("plot"):
        fall(300)
    line = capsys.readouterr().out
    assert len(line.encode()) < 16 * 1024
    assert json.loads(line)["exception"].endswith("ZeroDivisionError: division by zero\n")


def end_a_stage(error: str, file: Path, arguments: str = "") -> subprocess.CompletedProcess[str]:
    """Run a stage that ends so, in a pod whose termination message is in `file`."""
    code = "from pathlib import Path\n"
    code += "from byheart.contracts import errors, progress, termination\n"
    code += f"termination._FILE = Path({str(file)!r})\n"
    code += f"with progress.stage('extract'{arguments}): {error}"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        ("raise errors.ModelError('needed a model,\\nfound none')", "", "[refused] needed a model, found none"),
        ("raise errors.StoreError('it is away', may_pass=True)", "", "it is away"),
        ("raise errors.BookError('it was away', may_pass=True)", ", may_pass=False", "[refused] it was away"),
        ("1 / 0", "", "ZeroDivisionError: division by zero"),
        ("1 / 0", ", may_pass=False", "[refused] ZeroDivisionError: division by zero"),
        ("raise errors.BookError('caf\\udce9.txt')", "", "[refused] caf\\udce9.txt"),
        ("pass", "", "of an earlier container"),
    ],
)
def test_kubernetes_is_told_why_a_stage_ended_and_whether_another_attempt_helps(
    error: str, arguments: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "termination-log"
    file.write_text("of an earlier container", encoding="utf-8")
    done = end_a_stage(error, file, arguments)
    assert (done.returncode, done.stderr) == (int(error != "pass"), "")
    assert file.read_text(encoding="utf-8") == message
    assert REFUSED not in done.stdout, "a log that Kubernetes falls back to must not carry the mark"


def test_long_message_is_cut_between_characters_at_the_size_that_kubernetes_keeps(tmp_path: Path) -> None:
    file = tmp_path / "termination-log"
    file.touch()
    end_a_stage("raise errors.BookError('読読読読 ' * 390)", file)
    data = file.read_bytes()
    assert 4093 < len(data) <= 4096
    assert data.decode().removeprefix(f"{REFUSED} ").strip("読 ") == ""


@pytest.mark.parametrize("file", ["no/such/folder", "termination-log", ".", "/proc/version", "/dev/full"])
def test_stage_ends_alike_where_kubernetes_made_no_file_or_it_cannot_be_written(file: str, tmp_path: Path) -> None:
    done = end_a_stage("raise errors.BookError('needed a book')", tmp_path / file)
    assert (done.returncode, json.loads(done.stdout)["message"], done.stderr) == (1, "needed a book", "")
    assert not list(tmp_path.iterdir())


def test_progress_counts_only_what_was_done_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 5.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    bar = Progress(1_000, "windows", skip=500)
    bar.add(250, "a book: ", book="a")
    bar.add(250)
    first, last = said(capsys)
    assert first["message"] == "a book: 750 / 1,000 windows, 50 windows/s, 5.0 s left"
    numbers = {"done": 750, "total": 1_000, "unit": "windows", "windows_per_second": 50.0, "seconds_left": 5.0}
    assert {name: first[name] for name in numbers} == numbers
    assert first["book"] == "a"
    assert last["message"] == "1,000 / 1,000 windows, 50 windows/s, 0.0 s left"
    assert (last["done"], last["seconds_left"]) == (1_000, 0.0)


def test_long_work_tells_its_story_in_under_thirty_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    bar = Progress(100_000, "windows")
    for _ in range(100_000):
        now += 0.3
        bar.add(1)
    assert 10 < len(capsys.readouterr().out.splitlines()) < 30


@pytest.mark.parametrize(("seconds", "said"), [(9.46, "9.5 s"), (125, "2:05"), (3725, "1:02:05")])
def test_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "under a minute"),
        (59.9, "under a minute"),
        (60, "about 1 minute"),
        (95, "about 1.5 minutes"),
        (25.3 * 60, "about 25 minutes"),
        (5_399, "about 90 minutes"),
        (2 * 3_600 + 100, "about 2 hours"),
        (2.6 * 3_600, "about 2.5 hours"),
        (47 * 3_600, "about 47 hours"),
        (50 * 3_600, "about 2 days"),
        (1_000 * 86_400, "about 1,000 days"),
    ],
)
def test_estimate_is_said_with_two_digits(seconds: float, said: str) -> None:
    assert format_estimate(seconds) == said


def test_line_that_is_longer_than_any_of_a_stage_is_not_parsed() -> None:
    line = '{"severity": "INFO", "stage": "plot", "message": "%s"}'
    read = parse_line(line % ("x" * 8_000))
    assert read
    assert read.message == "x" * 8_000
    assert parse_line(line % ("x" * 2**18)) is None
    assert parse_line("{" * 10_000 + line % "x") is None  # each brace could begin it
    assert parse_line("{" * 10 + line % "x")
