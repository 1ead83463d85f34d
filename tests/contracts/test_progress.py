import errno

import pytest

from components.contracts.errors import BookError
from components.contracts.progress import Progress, duration, stage


def test_error_for_the_user_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, stage("tokenize"):
        raise BookError("needed a book,\nfound none")
    assert caught.value.code == 1
    assert capsys.readouterr().out == "tokenize | error: needed a book, found none\n"


def test_full_disk_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), stage("extract"):
        raise OSError(errno.ENOSPC, "No space left on device", "part.parquet")
    assert "part.parquet: No space left on device" in capsys.readouterr().out


def test_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), stage("plot"):
        _ = 1 / 0


def test_progress_counts_only_what_was_done_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 5.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    bar = Progress(1_000, "windows", skip=500)
    bar.add(250)
    bar.add(250)
    assert [line.partition(" | ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "750 / 1,000 windows, 50 windows/s, 5.0 s left",
        "1,000 / 1,000 windows, 50 windows/s, 0.0 s left",
    ]


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
    assert duration(seconds) == said
