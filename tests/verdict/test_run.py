"""The last word on a run: whether every book that was named has been measured."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

from byheart.components.verdict.component import verdict
from byheart.components.verdict.run import run
from byheart.contracts import termination
from byheart.contracts.books import Refused
from byheart.contracts.errors import BookError
from byheart.contracts.json_files import write_json
from byheart.measures.provenance import PROVENANCE, Provenance
from tests.measures.toy import make_run


def judge(folder: Path, reasons: list[str], on_bad_book: str = "fail") -> None:
    """Judge a run whose results say that some books were not measured, and why."""
    refused = [Refused(source=why, role="book", why=why, may_pass="busy" in why) for why in reasons]
    shared = make_run(on_bad_book=on_bad_book).provenance
    provenance = Provenance(**vars(shared), created="today", python="3", books={}, not_measured=refused)
    write_json(folder / PROVENANCE, provenance)
    run(results=str(folder))


def test_run_whose_books_are_all_measured_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge(tmp_path, [])
    assert "every book is measured" in capsys.readouterr().out


def test_run_without_a_book_that_was_named_fails_and_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        BookError, match=r"found 2 that are not, .* there: a is missing; b is short; mend them .* Clone run"
    ):
        judge(tmp_path, ["a is missing", "b is short"])


@pytest.mark.parametrize(("reasons", "may_pass"), [(["a is busy", "b is busy"], True), (["a is busy", "b"], False)])
def test_run_may_pass_later_if_every_book_may(reasons: list[str], may_pass: bool, tmp_path: Path) -> None:
    with pytest.raises(BookError) as caught:
        judge(tmp_path, reasons)
    assert (caught.value.parameter, caught.value.may_pass) == ("books", may_pass)


def test_many_are_counted(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"found 5 that are not, .*: a; b; c; and 2 more; mend"):
        judge(tmp_path, ["a", "b", "c", "d", "e"])


def test_run_that_may_skip_bad_books_says_them_and_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge(tmp_path, ["a is missing"], on_bad_book="skip")
    assert "1 of the books are not measured: a is missing" in capsys.readouterr().out


def test_no_error_of_the_verdict_passes_in_another_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would read the same artifacts, even those that say that a book was not measured for a passing reason."""
    message = tmp_path / "termination-log"
    message.touch()
    monkeypatch.setattr(termination, "_FILE", message)
    nowhere = dict.fromkeys(inspect.signature(verdict.python_func).parameters, SimpleNamespace(path="/nowhere"))
    with pytest.raises(SystemExit):
        verdict.python_func(**nowhere)
    assert message.read_text(encoding="utf-8").startswith(termination.REFUSED)
