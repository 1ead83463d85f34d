"""Stages that are forks: each has what a process of its own would have."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byheart.launch import ask
from byheart.launch.stages import ARE_FORKS
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not ARE_FORKS, reason="stages are started as KFP starts them here")

OFFER = """
import sys, threading
from pathlib import Path
from byheart.launch.stages import offer_stages
offer_stages(Path(sys.argv[1]))
print("offered", flush=True)
sys.stdin.read()
"""
TELL = """
import json, os, sys
print(json.dumps({
    "arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ), "name": __name__,
    "read": sys.stdin.read(), "loaded": "byheart.scores.store" in sys.modules, "process": os.getpid(),
}))
print("an error", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
FAIL = "raise ValueError('wrong')"


@pytest.fixture
def offering(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    for name, program in {"tell": TELL, "die": DIE, "fail": FAIL}.items():
        (tmp_path / f"{name}.py").write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}", "ONLY": "of the run"}
    with subprocess.Popen(
        [sys.executable, "-c", OFFER, str(tmp_path)], env=environment, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "offered\n"
        yield process


def run(folder: Path, *arguments: str, **details: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", "-X", "utf8", ask.__file__, str(folder), "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **details)


@pytest.mark.usefixtures("offering")
def test_stage_has_arguments_folder_environment_and_streams_of_who_asks(tmp_path: Path) -> None:
    environment = {"WORD": "naïve\nline", "LC_ALL": "C.UTF-8"}
    done = run(tmp_path, "tell", "3", "Bücher", cwd=ROOT, env=environment, input="said")
    assert (done.returncode, done.stderr) == (3, "an error\n")
    told = json.loads(done.stdout)
    assert told.pop("loaded"), "what stages share is there before they start"
    first = told.pop("process")
    assert told == {
        "arguments": ["3", "Bücher"], "folder": str(ROOT), "environment": environment, "name": "__main__",
        "read": "said",
    }  # fmt: skip
    again = json.loads(run(tmp_path, "tell", "0", env={"LC_ALL": "C.UTF-8"}, input="").stdout)
    assert again["environment"] == {"LC_ALL": "C.UTF-8"}, "nothing is left of another stage's"
    assert again["process"] != first


@pytest.mark.usefixtures("offering")
def test_stage_that_is_killed_or_fails_ends_as_in_a_shell(tmp_path: Path) -> None:
    assert run(tmp_path, "die").returncode == 128 + 9
    failed = run(tmp_path, "fail")
    assert failed.returncode == 1
    assert failed.stderr.endswith("ValueError: wrong\n")
    assert run(tmp_path, "absent").returncode == 1
    assert run(tmp_path, "tell", "0", input="").returncode == 0


@pytest.mark.parametrize("how", ["it ends", "it is killed"])
def test_nothing_is_left_when_the_run_ends(tmp_path: Path, offering: "subprocess.Popen[str]", how: str) -> None:
    told = json.loads(run(tmp_path, "tell", "0", input="").stdout)
    assert told["process"] != offering.pid
    if how == "it ends":
        offering.communicate(timeout=60)
        assert offering.returncode == 0
    else:
        offering.kill()
        offering.wait()
    deadline = time.monotonic() + 60
    while str(tmp_path) in subprocess.run(["ps", "-ewwo", "args="], capture_output=True, text=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    assert len(str(folder)) > 107, "the path of a socket has no more"
    offered = subprocess.run(
        [sys.executable, "-c", OFFER, str(folder)], cwd=ROOT, input="", capture_output=True, text=True, check=True
    )
    assert offered.stdout == "offered\n"
