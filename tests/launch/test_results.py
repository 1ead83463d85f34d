"""What a person at a terminal sees of a run, beyond what the sample's own run shows."""

from pathlib import Path

import pytest

from byheart.components.plot.tables import make_passages_table, make_windows_table
from byheart.contracts.books import CONTROL
from byheart.contracts.json_files import write_json
from byheart.launch.results import show_results
from byheart.measures.calibration.calibrate import calibrate
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.measured import MeasuredBook
from byheart.measures.provenance import Provenance
from byheart.measures.summary import summarize
from tests.measures import toy


def write_results(folder: Path, books: list[MeasuredBook]) -> None:
    """What is read back of a run of these books."""
    outcomes, run = [toy.compute_outcome(book) for book in books], toy.make_run().provenance
    controls = [Document.from_measured(book) for book in books if book.book.role == CONTROL]
    for book, outcome in zip(books, outcomes, strict=True):
        place = folder / outcome.book.name
        place.mkdir(parents=True)
        write_json(place / "statistics.json", outcome.statistics)
        if controls and book.book.role != CONTROL:
            comparison = compare(Document.from_measured(book), controls)
            write_json(place / "calibration.json", calibrate(comparison, q=0.001, r=1, books=1))
        (place / "windows.parquet").write_bytes(
            make_windows_table(book, outcome.statistics.provenance, with_tokens=True)
        )
        (place / "passages.csv").write_text(make_passages_table([]), encoding="utf-8")
        (place / "chapters.json").write_text("[]", encoding="utf-8")
        (place / "text.txt").write_text(book.book.text, encoding="utf-8")
    write_json(folder / "summary.json", summarize(outcomes, run))
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
    assert lines[1] == "5 books, 1 control under model"
    assert lines[5:11] == [
        "    100.0%     100.0%         50     0.0076  all",
        "     40.0%      25.0%         20       1.12  half",
        "      0.0%     100.0%          0       0.33  low",
        "      0.0%       0.0%          0       1.49  none",
        "         –          –          0          –  empty",
        "    100.0%     100.0%         20     0.0076  seen, control",
    ]
    assert lines[-1] == f"{tmp_path / 'provenance.json'} says how; 1:01 in all"


def test_controls_take_no_section_from_a_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two books keep theirs beside three controls, and beside six, which are a table."""
    named = {"two": [0.9] * 4, "first": [1e-9] * 4}
    for controls, in_table in ((3, 0), (6, 6)):
        folder = tmp_path / str(controls)
        unseen = [toy.make_book([1e-9], name=f"unseen-{number}", role="control") for number in range(controls)]
        write_results(folder, [*(toy.make_book(p_z, name=name) for name, p_z in named.items()), *unseen])
        show_results(folder, 61)
        printed = capsys.readouterr().out
        assert [line.partition(",")[0] for line in printed.splitlines() if ", book, " in line] == ["two", "first"]
        assert printed.count("heat_map.png") == 2 + controls - in_table
        assert printed.count("\n6 controls under model\n") == (in_table == 6)
        assert printed.count(", control\n") == in_table
