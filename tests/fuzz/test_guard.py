"""What no parser may do is noticed, whatever it does."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from byheart.contracts.errors import BookError
from tests.fuzz.child import make_smaller
from tests.fuzz.guard import check
from tests.fuzz.parser import HarmError, Parser


def parser(read: Callable[[bytes, Path], object]) -> Parser:
    return Parser(name="toy", valid=lambda: [b"x"], change=lambda data, _: data, read=read)


def refuse(data: bytes, folder: Path) -> None:
    (folder / "own.txt").write_bytes(data)
    raise BookError("a text must be short, found a long one: cut it")


def raise_unprintable(data: bytes, _: Path) -> None:
    error = BookError("a text")
    error.args = (data.decode(),)
    raise error


def panic(_data: bytes, _: Path) -> None:
    raise GeneratorExit  # no Exception, as the panics of libraries in Rust


def take_memory(_data: bytes, _: Path) -> int:
    return len(bytearray(2**36))


@pytest.mark.parametrize("read", [lambda data, _: len(data), refuse], ids=["value", "refusal"])
def test_value_or_refusal_is_no_harm(read: Callable[[bytes, Path], object]) -> None:
    check(parser(read), b"x")


@pytest.mark.parametrize(
    ("read", "harm"),
    [
        (lambda data, _: data.decode(), "UnicodeDecodeError"),
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (panic, "GeneratorExit"),
        (take_memory, "MemoryError"),
        (lambda *_: Path("outside.txt").open("wb").close(), "may not: open"),
        (lambda _, folder: (folder.parent.parent / "outside").mkdir(), "may not: os.mkdir"),
        (lambda *_: Path("/nonexistent/outside").unlink(missing_ok=True), "may not: os.remove"),
        (lambda *_: subprocess.run(["true"], check=True), "may not: subprocess.Popen"),
        (lambda *_: __import__("pickle").loads(b"cos\ngetcwd\n."), "may not: pickle.find_class"),
        (lambda _, folder: raise_unprintable(b"\x1b[2J", folder), "a message with the character"),
        (lambda _, folder: raise_unprintable(b"x" * 3_000, folder), "a message of 3,000 characters"),
    ],
)
def test_harm_is_noticed(
    read: Callable[[bytes, Path], object], harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(HarmError, match=harm):
        check(parser(read), b"\xff")


def test_long_work_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.guard.MOST_SECONDS", -1.0)
    with pytest.raises(HarmError, match=r"it took \d"):
        check(parser(lambda data, _: data), b"x")


def test_memory_is_noticed_that_is_given_back() -> None:
    kept = b"x" * 2**29  # the process had as much before
    del kept
    with pytest.raises(HarmError, match=r"it took 5\d\d,\d+,\d+ bytes of memory"):
        check(parser(lambda data, _: len(data * 2**29)), b"x")


def test_input_is_made_smaller_while_it_does_the_same_harm() -> None:
    def feed(data: bytes) -> None:
        if b"!" in data:
            raise HarmError("an exclamation")
        if len(data) < 3:
            raise HarmError("something else")

    assert make_smaller(b"a long text! and more of it" * 3, feed, "an exclamation") == b"!"
