"""The store at hand, through the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def store(*arguments: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "byheart", "store", *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture
def held(sample_run: Path, tmp_path: Path) -> Path:
    """A copy of the sample run's store."""
    copied = subprocess.run(["cp", "-r", sample_run.parent / "store", tmp_path / "store"], check=True)
    assert not copied.returncode
    return tmp_path / "store"


def addresses(held: Path) -> list[str]:
    return sorted(path.name for path in (held / "scores").iterdir())


def test_list_names_what_each_address_holds(held: Path) -> None:
    lines = store("ls", "--store", str(held)).stdout.splitlines()
    assert sorted(line.split()[0] for line in lines[:-1]) == addresses(held)
    [windows] = [line for line in lines if "windows of the-soap-winter under" in line]
    assert "4 of 4 parts" in windows
    assert any("control sample of the-soap-winter" in line for line in lines)
    assert lines[-1].startswith(f"{len(addresses(held))} addresses")


def test_show_says_how_the_scores_were_made(held: Path) -> None:
    shown = store("show", addresses(held)[0][:6], "--store", str(held)).stdout
    for phrase in ('"prompt_tokens": 50', '"weights_sha256"', '"top_k": 40', "parts, ", str(held)):
        assert phrase in shown


def test_remove_asks_first_and_takes_one_address_alone(held: Path) -> None:
    first, *others = addresses(held)
    assert "nothing was removed" in store("rm", first[:8], "--store", str(held), said="n\n").stdout
    assert addresses(held) == [first, *others]
    assert "removed" in store("rm", first[:8], "--store", str(held), said="y\n").stdout
    assert addresses(held) == others
    store("rm", others[0], "--store", str(held), "--yes")
    assert addresses(held) == others[1:]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "store show needs an address, found none"),
        (["show", "zzz"], "must begin with 'zzz' and be the only one, found none"),
        (["rm", ""], "store rm needs an address, found none"),
    ],
)
def test_address_that_names_nothing_is_refused(held: Path, arguments: list[str], said: str) -> None:
    done = store(*arguments, "--store", str(held))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {said}") or said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert addresses(held)


def test_rm_without_a_terminal_removes_nothing(held: Path) -> None:
    done = store("rm", addresses(held)[0], "--store", str(held))
    assert done.returncode == 1
    assert "error: store rm asks before it removes, found nobody to ask: give --yes" in done.stderr
    assert len(addresses(held)) == len({*addresses(held)})
