"""Runs that a person starts in other ways than with the sample's own words."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import byheart
from byheart.contracts.errors import SettingsError
from byheart.launch.sample import is_toy
from tests.command.test_command import call
from tests.conftest import BOOK, MODEL, ROOT, launch, launch_command


def test_sample_is_measured_from_another_folder_and_says_where_everything_is(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("byheart.py", "numpy.py"):
        (folder / name).write_text("raise SystemExit('a file of the person is no module of ours')", encoding="utf-8")
    done = call("run", "cursor_inc=500", "dpi=20", folder=folder, XDG_DATA_HOME=str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first == f"results go to out; models and scores are kept in {tmp_path / 'data' / 'byheart' / 'store'}"
    assert (folder / "out" / BOOK.stem / "heat_map.png").is_file()
    assert [*(tmp_path / "data" / "byheart" / "store" / "scores").iterdir()]


def test_fault_of_the_program_is_named_with_the_log_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYHEART_PROGRESS_SECONDS", "often")
    done = launch(tmp_path)
    assert done.returncode == 1
    assert "ValueError: could not convert string to float: 'often'" in done.stderr
    log = tmp_path / "out" / "failed" / "log.txt"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert str(log) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_toy_says_that_it_is_one_first_and_last(tmp_path: Path) -> None:
    (tmp_path / "another.txt").write_text(BOOK.read_text(encoding="utf-8")[::-1][:4000], encoding="utf-8")
    words = ("another.txt", "--model", str(MODEL), "cursor_inc=500", "dpi=20", "--store", "store")
    done = call("run", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == lines[-1] == "the sample's model is a toy of one book: of any other, its numbers say nothing"


def test_run_from_python_gives_the_results(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; import byheart; results = byheart.run("
        f"Path({str(BOOK)!r}), model=Path({str(MODEL)!r}), store=Path('store'), out=Path('out'), "
        "cursor_inc=500, dpi=20, unwrap=False, figsize='8x2')\n"
        "print([book.book.name for book in results.books], results.provenance.settings.window.cursor_inc)"
    )
    around = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=around)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"['{BOOK.stem}'] 500"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"books": None}, "books must be a path, or a list of paths, found None: give one or leave it out"),
        ({"books": b"a.txt"}, "books must be a path, or a list of paths, found b'a.txt'"),
        ({"controls": [1]}, "controls must be a path, or a list of paths, found 1"),
        ({"model": object}, "model must be a path, or a list of paths, found <class 'object'>"),
        ({"store": None}, "store must be a path, found None"),
        ({"chapters": str.isupper}, "chapters must be a text, a number, true or false, found <method 'isupper'"),
        ({"plot_title": None}, "plot_title must be a text, a number, true or false, found None"),
        ({"windows": True}, "windows must be a whole number, found 'true'"),
    ],
)
def test_python_value_of_another_type_is_refused_by_the_arguments_name(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        byheart.run(**{"books": "a.txt", "model": "m"} | arguments)


def test_reader_that_has_seen_enough_ends_the_run_without_a_word(tmp_path: Path) -> None:
    command = launch_command(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout
        assert run.stderr
        assert run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 1


def test_terminal_that_is_not_in_utf_8_shows_what_it_can(tmp_path: Path) -> None:
    done = launch(tmp_path, "cursor_inc=500", "dpi=20", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "of measurable characters lie in a suffix with p_z ? 0.5" in done.stdout


def test_sample_of_in_a_folder_or_a_glob_is_no_toy() -> None:
    of_the_sample = ([str(BOOK)], [str(BOOK.parent)], [f"{BOOK.parent}/the-s*.txt"])
    assert not any(is_toy({"books": books, "model": [str(MODEL)]}) for books in of_the_sample)
    assert is_toy({"books": ["gs://bucket/a.txt"], "model": [str(MODEL)]})
    assert not is_toy({"books": ["gs://bucket/a.txt"], "model": ["org/model"]})


def test_link_that_leads_to_itself_is_no_crash_before_the_run(tmp_path: Path) -> None:
    loop = tmp_path / "loop.txt"
    loop.symlink_to(loop)
    assert is_toy({"books": [str(loop)], "model": [str(MODEL)]})
    assert not is_toy({"books": [str(BOOK)], "model": [str(loop)]})
