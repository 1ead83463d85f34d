"""How results take the place of others, whatever is killed in between, and whatever else a person keeps beside them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import ByheartError
from byheart.launch.publication import Publication, hold_folder
from tests.conftest import ROOT

OWN = {"notes.md": "my own", "first/margin.txt": "mine too"}
NAMES = ("provenance.json", "summary.csv")


def make(out: Path, *books: str, size: str = "a") -> Publication:
    """A run that is whole in `unfinished`, and not moved up."""
    publication = Publication(out)
    publication.begin(NAMES)
    (publication.unfinished / "log.txt").write_text("log", encoding="utf-8")
    results = out.parent / "results"
    for book in books:
        (results / book).mkdir(parents=True)
        (results / book / "statistics.json").write_text(size, encoding="utf-8")
    results.mkdir(exist_ok=True)
    (results / "provenance.json").write_text(json.dumps(books), encoding="utf-8")
    publication.take_books(results)
    publication.take_files(results)
    publication.seal()
    return publication


def read_files(out: Path) -> dict[str, str]:
    """The files of a folder and what they hold, but for the sums and hidden ones."""
    paths = (path for path in out.rglob("*") if path.is_file() and path.name not in (".lock", ".byheart", "SHA256SUMS"))
    return {path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def expect_files(*books: str, size: str = "a") -> dict[str, str]:
    files = {f"{book}/statistics.json": size for book in books}
    return files | {"log.txt": "log", "provenance.json": json.dumps(books)}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with the results of a run, and files of the user's own."""
    folder = tmp_path / "my out"
    folder.mkdir()
    make(folder, "first", "second").move_up()
    for name, text in OWN.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_sums_are_those_of_sha256sum(out: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == expect_files("first", "second").keys()


def test_results_of_other_books_take_the_place_of_all_that_the_earlier_run_left_and_of_nothing_else(out: Path) -> None:
    make(out, "second", "third", size="b").move_up()
    assert read_files(out) == expect_files("second", "third", size="b") | OWN
    make(out, "third").move_up()
    assert read_files(out) == expect_files("third") | OWN
    assert not (out / "second").exists(), "a folder that is empty goes too"


def test_run_that_fails_leaves_the_earlier_results_and_stands_apart(out: Path) -> None:
    for said in ("one", "two"):
        failing = Publication(out)
        failing.begin(NAMES)
        (failing.unfinished / "log.txt").write_text(said, encoding="utf-8")
        failing.set_aside()
        assert read_files(out) == expect_files("first", "second") | OWN | {"failed/log.txt": said}
    make(out, "third").move_up()
    assert read_files(out) == expect_files("third") | OWN, "what failed before is over"


class Killed(BaseException):
    """In place of a process's end."""


def list_steps(move_up: Callable[[], None]) -> list[tuple[str, str]]:
    """Each call that changes what is there, in its order."""
    calls: list[tuple[str, str]] = []
    _interrupt(move_up, sys.maxsize, calls)
    return calls


def _interrupt(move_up: Callable[[], None], after: int, calls: list[tuple[str, str]]) -> None:
    """Run it until so many changes are made, then end it as a kill would, just before the next."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("unlink", "rmdir", "rename", "replace", "mkdir"):
            real: Any = getattr(Path, name)

            def change(path: Path, *given: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
                if len(calls) >= after:
                    raise Killed
                calls.append((_name, str(path)))
                return _real(path, *given, **named)

            patch.setattr(Path, name, change)
        move_up()


def test_kill_at_any_step_is_made_good_by_the_next_run(tmp_path: Path) -> None:
    """The same folder anew for each step: the process ends before it, and the next run begins."""

    def prepare(folder: Path) -> Publication:
        (folder / "out").mkdir(parents=True)
        make(folder / "out", "first", "second").move_up()
        for name, text in OWN.items():
            (folder / "out" / name).write_text(text, encoding="utf-8")
        return make(folder / "out", "second", "third", size="b")

    steps = list_steps(prepare(tmp_path / "all").move_up)
    assert len(steps) > 12
    for step in range(len(steps)):
        out = tmp_path / str(step) / "out"
        publication = prepare(out.parent)
        with pytest.raises(Killed):
            _interrupt(publication.move_up, step, [])
        following = Publication(out)
        following.begin(NAMES)
        following.set_aside()
        assert read_files(out) == expect_files("second", "third", size="b") | OWN, steps[step]


def test_kill_before_the_run_is_whole_leaves_the_earlier_results(out: Path) -> None:
    killed = Publication(out)
    killed.begin(NAMES)
    (killed.unfinished / "log.txt").write_text("killed", encoding="utf-8")
    (killed.unfinished / ".third").mkdir()
    (killed.unfinished / ".third" / "statistics.json").touch()
    assert read_files(out).items() > (expect_files("first", "second") | OWN).items()
    Publication(out).begin(NAMES)
    assert read_files(out) == expect_files("first", "second") | OWN


@pytest.mark.parametrize(
    ("path", "is_folder", "said"),
    [
        ("summary.csv", False, "must have room for a file .*summary.csv, found one that no run left there"),
        ("summary.csv", True, "must have room for a file .*summary.csv, found a folder there: move it or choose"),
        ("SHA256SUMS", False, "must have room for a file .*SHA256SUMS, found one that no run left"),
        ("unfinished", False, "must have room for a folder of byheart's own .*unfinished, found another thing"),
        ("failed/log.txt", False, "must have room for a folder of byheart's own .*failed, found another thing"),
    ],
)
def test_what_the_user_keeps_in_the_way_is_refused_at_the_door(
    tmp_path: Path, path: str, is_folder: bool, said: str
) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    if is_folder:
        (tmp_path / path).mkdir()
    else:
        (tmp_path / path).write_text("mine", encoding="utf-8")
    with pytest.raises(ByheartError, match=said):
        Publication(tmp_path).begin(NAMES)
    assert is_folder or (tmp_path / path).read_text(encoding="utf-8") == "mine"


def test_books_are_refused_before_they_are_measured_where_a_file_is_in_the_way(out: Path) -> None:
    publication = Publication(out)
    publication.begin(NAMES)
    publication.check_room(["first/statistics.json", "third/statistics.json"])
    (out / "third").write_text("mine", encoding="utf-8")
    (out / "fourth").mkdir()
    (out / "fourth" / "statistics.json").write_text("mine", encoding="utf-8")
    with pytest.raises(ByheartError, match=r"must have room for a folder .*third, found a file there"):
        publication.check_room(["third/statistics.json"])
    with pytest.raises(ByheartError, match=r"for a file .*fourth/statistics\.json, found one that no run left"):
        publication.check_room(["fourth/statistics.json"])


def test_file_that_came_into_the_way_during_the_run_is_kept(out: Path) -> None:
    publication = Publication(out)
    publication.begin(NAMES)
    (publication.unfinished / "log.txt").touch()
    (publication.unfinished / "chart.svg").touch()
    (out / "chart.svg").write_text("mine", encoding="utf-8")
    with pytest.raises(ByheartError, match=r"chart\.svg, found one that no run left there"):
        publication.seal()
    publication.set_aside()
    assert read_files(out) == expect_files("first", "second") | OWN | {
        "chart.svg": "mine", "failed/log.txt": "", "failed/chart.svg": "",
    }  # fmt: skip


@pytest.mark.parametrize("line", ["../letter.txt", "/etc/letter.txt"])
def test_sums_that_somebody_else_wrote_name_nothing_that_is_removed(tmp_path: Path, line: str) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    text = f"{'0' * 64}  provenance.json\n{'0' * 64}  {line}\n"
    (out / "SHA256SUMS").write_text(text, encoding="utf-8")
    with pytest.raises(ByheartError, match="SHA256SUMS, found one that no run left"):
        make(out, "first")
    assert read_files(tmp_path) == {"letter.txt": "mine"}


def test_results_of_a_release_without_sums_are_replaced_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "old-book").mkdir(parents=True)
    (out / "provenance.json").write_text('{"contract_version": 2, "books": {"old-book": {}}}', encoding="utf-8")
    for name in ("log.txt", "summary.csv", "methods.md", "old-book/statistics.json", "old-book/heat_map.png"):
        (out / name).write_text("old", encoding="utf-8")
    (out / "old-book" / "mine.txt").write_text("mine", encoding="utf-8")
    make(out, "first").move_up()
    assert read_files(out) == expect_files("first") | {"old-book/mine.txt": "mine"}


HOLDS = """
import sys
from pathlib import Path
from byheart.launch.publication import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_run_in_the_same_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as first:
        assert first.stdout
        assert first.stdout.readline() == b"held\n"
        said = "must be used by one run at a time, found another run"
        with pytest.raises(ByheartError, match=said) as error, hold_folder(tmp_path):
            pass
        assert error.value.may_pass
        first.kill()
    with hold_folder(tmp_path):
        pass


FULL = """
import resource, signal, sys
from pathlib import Path
from byheart.launch.publication import publish
if sys.argv[3] == "killed":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel ends the process in the middle of a write
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
with publish(Path(sys.argv[1]), ["coverage.png"]) as publication:
    if sys.argv[4] == "in a book":
        publication.take_books(Path(sys.argv[2]))
    publication.take_files(Path(sys.argv[2]))
"""


@pytest.mark.parametrize("where", ["in a book", "of the run"])
@pytest.mark.parametrize("how", ["full", "killed"])
def test_results_that_do_not_fit_leave_the_earlier_ones_whole_and_the_next_run_goes_on(
    out: Path, tmp_path: Path, how: str, where: str
) -> None:
    before, results = read_files(out), tmp_path / "new"
    for name in ("first/coverage.png", "coverage.png") if where == "in a book" else ("coverage.png",):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes(b"x" * 20_000)
    (results / "provenance.json").write_text("{}", encoding="utf-8")
    command = [sys.executable, "-c", FULL, str(out), str(results), how, where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if how == "killed":
        assert done.returncode == -signal.SIGXFSZ
    else:
        assert "out must take the results, found: " in done.stderr
        assert "make room and run again, the scores are kept" in done.stderr
    ours = {name: text for name, text in read_files(out).items() if not name.startswith(("unfinished/", "failed/"))}
    assert ours == before
    make(out, "third").move_up()
    assert read_files(out) == expect_files("third") | OWN
