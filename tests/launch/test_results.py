"""What a person at a terminal sees of a run, beyond what the sample's own run shows."""

import dataclasses
import re
from pathlib import Path

import pytest

from byheart.components.plot.tables import make_passages_table, make_tokens_table, make_windows_table
from byheart.contracts.books import CONTROL
from byheart.contracts.json_files import write_json
from byheart.launch.results import show_results
from byheart.measures.measured import MeasuredBook
from byheart.measures.provenance import BookProvenance, Provenance, RunProvenance
from byheart.measures.summary import summarize
from tests.measures import toy


def write_results(folder: Path, books: list[MeasuredBook], run: RunProvenance | None = None) -> None:
    """What is read back of a run of these books."""
    run, unseen = run or toy.make_run().provenance, [book for book in books if book.book.role == CONTROL]
    control = toy.make_control(*unseen) if unseen else None
    outcomes = [toy.compute_outcome(book, None if book.book.role == CONTROL else control) for book in books]
    for book, outcome in zip(books, outcomes, strict=True):
        place = folder / outcome.book.name
        place.mkdir(parents=True)
        provenance = BookProvenance(**vars(run), book=outcome.book)
        write_json(place / "statistics.json", dataclasses.replace(outcome.statistics, provenance=provenance))
        if outcome.calibration:
            write_json(place / "calibration.json", outcome.calibration)
        (place / "windows.parquet").write_bytes(make_windows_table(book, provenance, with_tokens=True))
        (place / "passages.csv").write_text(make_passages_table([]), encoding="utf-8")
        (place / "chapters.json").write_text("[]", encoding="utf-8")
        (place / "text.txt").write_text(book.book.text, encoding="utf-8")
    (folder / "tokens.parquet").write_bytes(make_tokens_table({}, run))
    write_json(folder / "summary.json", summarize(outcomes, run))
    (folder / "tokens.parquet").write_bytes(make_tokens_table({7: " her"}, run))
    described = {outcome.book.name: outcome.book for outcome in outcomes}
    made = Provenance(**vars(run), created="now", python="3", books=described, not_measured=[])
    write_json(folder / "provenance.json", made)


def test_many_books_are_a_table_with_the_best_known_first_and_controls_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = {"none": [1e-9] * 4, "half": [0.9, 1e-9, 1e-9, 1e-9], "all": [0.9] * 4, "low": [0.01] * 4, "empty": []}
    books = [toy.make_book(p_z, name=name) for name, p_z in shares.items()]
    write_results(tmp_path, [toy.make_book([0.9], name="seen", role="control"), *books])
    show_results(tmp_path, 61)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "5 books and 1 control under model"
    assert [re.sub("  +", "|", line.strip()) for line in lines[3:10]] == [
        "p among controls|windows above t|characters at 0.5|windows at 0.001|longest|bits|best p_z",
        "1 (≥ 0.5)|0.0% (≤ 79.3%)|100.0% (≥ 20.7%)|100.0% (≥ 20.7%)|50|0.0076|90.0%|all",
        "1 (≥ 0.5)|0.0% (≤ 79.3%)|40.0%|25.0%|20|1.12|90.0%|half",
        "1 (≥ 0.5)|0.0% (≤ 79.3%)|0.0% (≤ 79.3%)|100.0% (≥ 20.7%)|0|0.33|1.0%|low",
        "1 (≥ 0.5)|0.0% (≤ 79.3%)|0.0% (≤ 79.3%)|0.0% (≤ 79.3%)|0|1.49|1 × 10⁻⁹|none",
        "1 (≥ 0.5)|–|–|–|0|–|–|empty",
        "100.0% (≥ 20.7%)|100.0% (≥ 20.7%)|20|0.0076|90.0%|seen, control",
    ]
    assert len({line.rindex("  ") for line in lines[4:9]}) == 1, "aligned"
    assert lines[-1] == f"{tmp_path / 'provenance.json'} says how; 1:01 in all"


def test_controls_take_no_section_from_a_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of two books has at most eight lines, and each control a line in a table."""
    named = {"two": [0.9] * 4, "first": [1e-9] * 4}
    for controls in (3, 6):
        folder = tmp_path / str(controls)
        unseen = [toy.make_book([1e-9], name=f"unseen-{number}", role="control") for number in range(controls)]
        write_results(folder, [*(toy.make_book(p_z, name=name) for name, p_z in named.items()), *unseen])
        show_results(folder, 61)
        printed = capsys.readouterr().out
        head, two, first, table, *_ = printed.split("\n\n")
        assert head.strip() == f"2 books and {controls} controls under model"
        assert [section.partition(",")[0] for section in (two, first)] == ["two", "first"]
        assert max(len(section.splitlines()) for section in (two, first)) <= 8
        assert f"p = {1 / (controls + 1):.3g}, 1 in {controls + 1}, the least possible" in two
        assert "Nothing may be called memorised: that takes 19 controls." in two
        assert len(table.splitlines()) == 1 + controls
        assert printed.count(", control\n") == controls


def test_book_of_which_nothing_reaches_the_floor_has_its_best_window_and_the_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = toy.make_book([1e-30, 1e-12, 1e-20], name="kept")
    unseen = [toy.make_book([1e-40, p_z], name=f"unseen-{p_z:.0e}", role="control") for p_z in (1e-33, 1e-50)]
    write_results(tmp_path, [book, *unseen])
    show_results(tmp_path, 61)
    printed = capsys.readouterr().out
    words = " ".join(book.book.text[30:50].split())
    assert f"No window reaches p_z = 0.001; the best is 1 × 10⁻¹² (“{words}”, characters 30 to 50); " in printed
    assert "the controls' best is 1 × 10⁻³³ (unseen-1e-33, “" in printed


def test_book_without_controls_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_results(tmp_path, [toy.make_book([0.9, 1e-9], name="alone")])
    show_results(tmp_path, 61)
    assert "No control was measured: text that any model finds easy counts as much" in capsys.readouterr().out
