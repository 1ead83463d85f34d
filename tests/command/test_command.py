"""The command as a person meets it: its help, its words, its refusals and how it ends."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from byheart import pipeline
from byheart.command.app import main
from byheart.command.parameters import read_parameters, read_request
from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import ASSIGNED
from byheart.contracts.version import VERSION
from byheart.launch.sample import list_sample_parameters
from tests.conftest import ROOT

EXPLAINED = pipeline.__doc__ or ""


def call(*words: str, folder: Path = ROOT, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "byheart", *words]  # -P: like the script `byheart`, not from the folder
    around = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=around)


def test_help_of_run_lists_every_setting_with_its_default_under_the_pipelines_own_headings() -> None:
    shown = call("run", "--help", COLUMNS="200").stdout
    lines = [line.strip() for line in shown.splitlines()]
    for name in ASSIGNED:
        default = (
            str(pipeline.DEFAULTS[name]).lower()
            if isinstance(pipeline.DEFAULTS[name], bool)
            else str(pipeline.DEFAULTS[name])
        )
        assert any(line.split("  ")[0] == f"{name}={default}" for line in lines), name
    headings = [line for line in EXPLAINED.splitlines() if line.endswith(":") and line[0].isupper()]
    positions = [lines.index(heading) for heading in headings if heading != "Everything else:"]
    assert positions == sorted(positions)


def test_every_parameter_of_the_pipeline_is_explained_once() -> None:
    explained = [
        parameter.name for group in read_parameters(EXPLAINED, pipeline.DEFAULTS).values() for parameter in group
    ]
    assert sorted(explained) == sorted(ASSIGNED)


@pytest.mark.parametrize("command", ["run", "plan", "compile", "images", "manifests", "submit", "status", "check"])
def test_every_command_explains_itself(command: str) -> None:
    done = call(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: byheart {command} ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["rnu"], 2, "No such command 'rnu'. Did you mean 'run'?"),
        (["run", "--modle", "x"], 2, "No such option: --modle (Possible options: --model)"),
        (["run", "a.txt", "--top-k=5"], 2, "--top-k must be written top_k=VALUE, without dashes"),
        (["run", "a.txt", "--model", "m", "topk=5"], 1, "found 'topk': did you mean top_k?"),
        (["run", "a.txt", "--model", "m", "top_k"], 1, "a setting must be written name=value, found 'top_k'"),
        (["run", "a.txt", "-m", "m", "-m", "n", "-m", "m"], 1, "model must be another one each time, found m twice"),
        (["submit", "a.txt", "-m", "m", "-m", "n", "label=x"], 1, "label must be empty where a run has several models"),
        (["run", "a.txt", "--model", "m", "model=n"], 1, "model must be given as --model"),
        (["run", "a.txt", "--model", "m", "controls=n"], 1, "controls must be given as --control"),
        (["run", "a.txt"], 1, "a run must have a model, found none: give --model"),
        (["run", "--model", "m"], 1, "a run must have a book, found none: name a text file"),
        (["run", "a.yaml", "b.yaml"], 1, "a run must be of one run file, found a.yaml, b.yaml"),
        (["run", "no.yaml"], 1, "no.yaml must be a run file, found: No such file or directory"),
        (["plan"], 1, "a run must have a model, found none: give --model"),
        (["check", "--book", "a.txt"], 1, "book must be given with --model, found a.txt alone"),
        (["compile", "pipeline"], 1, "pipeline must be a file that ends in .yaml, found pipeline"),
        (
            ["compile", "/dev/null/a.yaml"],
            1,
            "pipeline must be a file that can be written, found /dev/null: File exists",
        ),
    ],
)
def test_what_is_written_wrongly_is_refused_in_one_line(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BYHEART_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sys.argv", ["byheart", *words])
    assert main() == code
    printed = capsys.readouterr()
    assert not printed.out
    assert said in printed.err
    assert printed.err.startswith("error: ")
    assert len(printed.err.splitlines()) == 1
    assert not [*tmp_path.iterdir()]


def test_words_are_told_apart() -> None:
    request = read_request(["a.txt", "top_k=5", "./x=y.txt", "gs://b/c=d.txt", "run.yaml", "bos=a=b"])
    assert request.books == ["a.txt", "./x=y.txt", "gs://b/c=d.txt"]
    assert request.settings == ["top_k=5", "bos=a=b"]
    assert request.run_file == "run.yaml"
    with pytest.raises(SettingsError, match="one run file"):
        read_request(["a.yaml", "b.yml"])


def test_settings_are_completed_in_a_shell() -> None:
    words = "byheart run cursor"
    done = call(_BYHEART_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="2")
    assert done.stdout.split() == ["cursor_inc="]


def test_version_is_that_of_the_code() -> None:
    assert call("--version").stdout == f"byheart {VERSION}\n"


def test_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "byheart", "run", *places]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert run.stdout
    run.stdout.readline()
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted; what was scored is kept: run the same command again to go on" in errors


def test_interrupted_question_says_nothing_of_scores(tmp_path: Path) -> None:
    program = tmp_path / "compiled" / "cpu-jax-1" / "program"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"...")
    command = [sys.executable, "-m", "byheart", "store", "remove", "--older-than", "0d", "--store", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as asking:
        assert asking.stdout
        printed = ""
        while not printed.endswith("[y/N] "):
            printed += asking.stdout.read(1)
        while asking.poll() is None:  # a signal that comes before it waits for the answer is noticed after the answer
            asking.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                asking.wait(timeout=10)
        _, errors = asking.communicate()
    assert (asking.returncode, errors.strip()) == (130, "interrupted")
    assert program.exists()


def test_sample_in_a_checkout_is_named_without_the_checkouts_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    assert list_sample_parameters()["model"] == ["samples/model"]
    monkeypatch.chdir(tmp_path)
    assert list_sample_parameters()["model"] == [str(ROOT / "samples" / "model")]


def test_name_with_a_dollar_and_brackets_is_one_word_as_the_page_writes_it() -> None:
    """In a line of a shell, with `byheart` and with `make`, which prints what it would run."""
    words = ["Cash $100 (1851).txt", "chapters=[IVX]+$"]
    page = (ROOT / "docs" / "books.md").read_text(encoding="utf-8").splitlines()
    [alone, by_make] = [line.strip() for line in page if "Cash" in line]
    assert shlex.split(alone) == ["byheart", "run", *words]
    line = by_make.replace("make run", "make --dry-run run")
    shown = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    [command] = re.findall(r"-m byheart run .*", shown)
    assert shlex.split(command.removesuffix("\\"))[3:5] == words
