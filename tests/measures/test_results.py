"""The sample's results, read back from a folder and from Google Cloud Storage."""

import itertools
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from byheart.components.plot.tables import make_passages_table
from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import to_json
from byheart.contracts.version import RESULTS_VERSION
from byheart.measures.passages import find_all_passages, list_passages
from byheart.measures.results import Results
from byheart.store import open_store
from tests.conftest import BOOK, CONTROL
from tests.launch.test_results import write_results
from tests.measures import toy


@pytest.fixture
def results(sample_run: Path, address: str) -> str:
    """Where a copy of the sample's results lies."""
    store = open_store(address)
    for path in sample_run.rglob("*"):
        if path.is_file():
            store.create(path.relative_to(sample_run).as_posix(), path.read_bytes())
    return address


def test_results_are_read_back_as_they_were_written(results: str, sample_run: Path) -> None:
    run_results = Results.open(results)
    assert (
        [book.book.name for book in run_results.books]
        == list(run_results.provenance.books)
        == [BOOK.stem, CONTROL.stem]
    )
    book, control = run_results.books
    assert book.book == run_results.provenance.books[BOOK.stem]
    assert (book.book.role, control.book.role) == ("book", "control")
    for path, value in (
        ("provenance.json", run_results.provenance), ("summary.json", run_results.summary),
        (f"{BOOK.stem}/statistics.json", book.statistics), (f"{CONTROL.stem}/statistics.json", control.statistics),
    ):  # fmt: skip
        assert json.loads(to_json(value)) == json.loads((sample_run / path).read_text(encoding="utf-8"))
    assert run_results.summary.books
    assert run_results.summary.books.plain.micro.windows_at[0.5].share == book.statistics.plain.windows_at[0.5].share


def test_calibration_is_read_back_as_it_was_written(results: str, sample_run: Path) -> None:
    book, control = Results.open(results).books
    calibration = book.read_calibration()
    assert calibration
    assert control.read_calibration() is None
    assert not (sample_run / CONTROL.stem / "calibration.json").exists()
    written = (sample_run / BOOK.stem / "calibration.json").read_text(encoding="utf-8")
    assert json.loads(to_json(calibration)) == json.loads(written)
    table, other = book.read_windows(), control.read_windows()
    kept = other.scores.log_p_z[~other.repetition.repetitive]
    assert calibration.windows == len(other.number) < len(table.number)
    assert calibration.census
    assert calibration.census.value == kept.max(), "the shorter text is compared whole"
    first = (len(table.number) - calibration.windows) // 2
    middle = slice(first, first + calibration.windows)
    above = (table.scores.log_p_z[middle] > kept.max()) & ~table.repetition.repetitive[middle]
    assert calibration.census.above == above.sum() > 0
    assert (calibration.p_all, calibration.least_p) == (0.5, 0.5)
    assert calibration.bands
    assert not calibration.bands.may_say_memorised


def test_tables_are_read_when_they_are_asked_for(results: str, sample_run: Path) -> None:
    book, control = Results.open(results).books
    table = book.read_windows()
    written = pq.read_table(sample_run / BOOK.stem / "windows.parquet")
    columns = {
        "number": table.number,
        "chapter": table.chapter,
        **table.windows.columns(),
        **table.scores.columns(),
        "rescored": table.rescored,
        **table.repetition.columns(),
    }
    assert {"book", "unknown_tokens", *columns} == set(written.column_names)
    for name, values in columns.items():
        np.testing.assert_array_equal(values, np.array(written[name].to_pylist()), name)
    assert len(table.windows) == book.statistics.windows.count
    assert table.windows.dropped_tail == book.statistics.windows.dropped_tail == 26
    sample = book.read_control_sample()
    assert sample
    own, other = table.scores.log_p_z[sample.sample.suffix_window], sample.log_p_z
    assert book.statistics.control_sample
    shares = book.statistics.control_sample.plain.at[0.5]
    assert (np.mean(own >= np.log(0.5)), np.mean(other >= np.log(0.5))) == (shares.own_prompt, shares.other_prompt)
    for some in (book, control):
        passages = some.read_passages()
        frame = pd.read_csv(sample_run / some.book.name / "passages.csv")
        assert len(passages) == len(frame)
        assert [passage.start for passage in passages] == frame["start"].tolist()
    longest = max(
        (passage for passage in book.read_passages() if (passage.scheme, passage.threshold) == ("plain", 0.5)),
        key=lambda passage: passage.characters,
    )
    assert longest.characters == book.statistics.headline.longest == 3_855
    assert longest.chapter


def test_text_and_chapters_are_read_back(results: str) -> None:
    book, control = Results.open(results).books
    text = BOOK.read_text(encoding="utf-8")
    assert book.read_text() == text
    assert control.read_text() == CONTROL.read_text(encoding="utf-8")
    chapters = book.read_chapters()
    assert len(chapters) == 10
    assert len(control.read_chapters()) == 10
    assert sum(chapter.windows for chapter in chapters) == (book.read_windows().chapter > 0).sum()
    assert [chapter.number for chapter in chapters] == [*range(1, 11)]
    for chapter, following in itertools.pairwise(chapters):
        assert chapter.stop == following.start
        assert text[chapter.start : chapter.stop].startswith(chapter.title)
    assert chapters[-1].stop == len(text)
    assert {passage.text for passage in book.read_passages()} == {
        text[passage.start : passage.stop] for passage in book.read_passages()
    }


def test_passage_of_any_length_is_read_back(tmp_path: Path) -> None:
    """Python's own limit is 131,072 characters a cell."""
    book = toy.make_book([0.9], prompt=1, suffix=200_000, text="x" * 200_050)
    write_results(tmp_path, [book])
    table = make_passages_table(list_passages(book, find_all_passages(book), math.inf))
    (tmp_path / "toy" / "passages.csv").write_text(table, encoding="utf-8")
    passages = Results.open(tmp_path).books[0].read_passages()
    assert {len(passage.text or "") for passage in passages} == {200_000}


def test_texts_of_tokens_are_read_back(tmp_path: Path) -> None:
    write_results(tmp_path, [toy.make_book([0.9, 0.1])])
    assert Results.open(tmp_path).read_pieces() == {7: " her"}
    provenance = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))
    provenance["settings"]["report"]["report_text"] = "2000"
    (tmp_path / "provenance.json").write_text(json.dumps(provenance), encoding="utf-8")
    assert Results.open(tmp_path).read_pieces() is None


def test_folder_that_holds_no_results_is_refused(address: str) -> None:
    open_store(address).create("notes.txt", b"no results")
    with pytest.raises(DamagedError, match=r"must be a folder of results, found no provenance\.json in it: give"):
        Results.open(address)


@pytest.mark.parametrize(
    "missing", ["summary.json", f"{BOOK.stem}/statistics.json", f"{CONTROL.stem}/windows.parquet",
                f"{BOOK.stem}/passages.csv", f"{BOOK.stem}/control_sample.parquet", f"{BOOK.stem}/text.txt",
                f"{CONTROL.stem}/chapters.json"]
)  # fmt: skip
def test_results_that_are_not_whole_are_refused(sample_run: Path, tmp_path: Path, missing: str) -> None:
    shutil.copytree(sample_run, tmp_path / "out")
    (tmp_path / "out" / missing).unlink()
    with pytest.raises(DamagedError, match=f"must hold all results of its run, found no {missing}: run again"):
        Results.open(tmp_path / "out")


def test_results_that_lack_a_book_are_refused(sample_run: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_run, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / BOOK.stem)
    with pytest.raises(DamagedError, match=f"found no {BOOK.stem}/statistics.json and 6 more: run again"):
        Results.open(tmp_path / "out")


def test_results_of_another_version_are_refused(sample_run: Path, tmp_path: Path) -> None:
    provenance = json.loads((sample_run / "provenance.json").read_text(encoding="utf-8"))
    written = {"results_version": provenance["results_version"] + 1}
    (tmp_path / "provenance.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(DamagedError, match=r"must hold results of version \d+, found version \d+: run again"):
        Results.open(tmp_path)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("provenance.json", lambda text: text[:-20]),
        ("provenance.json", lambda _: f'{{"results_version": {RESULTS_VERSION}}}'),
        ("summary.json", lambda text: text.replace('"micro"', '"macro"')),
        (f"{BOOK.stem}/statistics.json", lambda text: text.replace('"share_of_windows_at_0.001"', '"share"')),
    ],
)
def test_file_that_holds_something_else_is_named(sample_run: Path, tmp_path: Path, file: str, change: Any) -> None:
    shutil.copytree(sample_run, tmp_path / "out")
    path = tmp_path / "out" / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DamagedError, match=f"{re.escape(str(path))} must be what"):
        Results.open(tmp_path / "out")


def test_tables_that_were_changed_are_named(sample_run: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_run, tmp_path / "out")
    (tmp_path / "out" / BOOK.stem / "passages.csv").write_text("scheme,threshold\nplain,often\n", encoding="utf-8")
    windows = tmp_path / "out" / BOOK.stem / "windows.parquet"
    windows.write_bytes(windows.read_bytes()[:-100] + bytes(100))
    with (tmp_path / "out" / BOOK.stem / "text.txt").open("a", encoding="utf-8") as file:
        file.write("more")
    book = Results.open(tmp_path / "out").books[0]
    with pytest.raises(DamagedError, match=r"text\.txt must be as it was written"):
        book.read_text()
    with pytest.raises(DamagedError, match=r"passages\.csv must be as it was written"):
        book.read_passages()
    with pytest.raises(DamagedError, match=r"windows\.parquet must be as it was written"):
        book.read_windows()
