"""The report of the sample, read back by its description, against the run's tables."""

import csv
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byheart.measures.results import BookResults, Results
from tests.conftest import BOOK, CONTROL
from tests.plot.report.reading import ReadText, read_report

Sample = tuple[dict[str, Any], dict[str, ReadText], Path]


@pytest.fixture(scope="module")
def sample(sample_run: Path) -> Sample:
    head, texts = read_report((sample_run / "report.html").read_text(encoding="utf-8"))
    return head, texts, sample_run


def _open(folder: Path, name: str) -> BookResults:
    return next(book for book in Results.open(folder).books if book.book.name == name)


@pytest.mark.parametrize("name", [BOOK.stem, CONTROL.stem])
def test_every_character_of_the_sample_has_its_window_and_span(sample: Sample, name: str) -> None:
    _, texts, folder = sample
    read, table = texts[name], _open(folder, name).read_windows()
    windows, log_p_z = table.windows, table.scores.log_p_z
    best = np.full(len(read.best), -1)
    for row in np.lexsort((-np.arange(len(windows)), log_p_z)):
        best[windows.suffix_start[row] : windows.stop[row]] = row
    assert [-1 if index is None else read.windows[index]["row"] for index in read.best] == best.tolist()
    for window in read.windows:
        row = window["row"]
        spans = (windows.start[row], windows.suffix_start[row], windows.stop[row])
        assert (window["start"], window["suffix_start"], window["stop"]) == spans


@pytest.mark.parametrize("name", [BOOK.stem, CONTROL.stem])
def test_text_of_the_sample_travels_whole(sample: Sample, name: str) -> None:
    _, texts, folder = sample
    assert "".join(texts[name].shown.values()) == (folder / name / "text.txt").read_text(encoding="utf-8")


def test_passages_are_those_of_the_table(sample: Sample) -> None:
    _, texts, folder = sample
    read = texts[BOOK.stem]
    with (folder / BOOK.stem / "passages.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scheme"] == "plain"]
    for threshold in (0.001, 0.01, 0.1, 0.5, 0.75):
        reached = [index is not None and read.windows[index]["log_p_z"] >= math.log(threshold) for index in read.best]
        runs, position = [], 0
        for is_reached, run in itertools.groupby(reached):
            length = len(list(run))
            runs += [(position, position + length)] if is_reached else []
            position += length
        expected = [(int(row["start"]), int(row["stop"])) for row in rows if float(row["threshold"]) == threshold]
        assert runs == expected
        assert runs


def test_first_guesses_have_their_words(sample: Sample) -> None:
    """Every piece of the page is what the model's tokenizer makes of the token that the table names."""
    _, texts, folder = sample
    read, results = texts[BOOK.stem], Results.open(folder)
    pieces, scores = results.read_pieces(), _open(folder, BOOK.stem).read_windows().scores
    assert pieces
    for index, tokens in read.details.items():
        row = read.windows[index]["row"]
        for token, top, rank in zip(tokens, scores.top_token_ids[row], scores.token_ranks[row], strict=True):
            assert token["preferred"] == ("" if rank == 0 else pieces[int(top)])


def test_tokens_of_the_text_make_the_text(sample: Sample) -> None:
    _, _, folder = sample
    results = _open(folder, BOOK.stem)
    pieces, windows, text = Results.open(folder).read_pieces(), results.read_windows().windows, results.read_text()
    assert pieces
    assert text
    for row in range(0, len(windows), 97):
        span = text[windows.start[row] : windows.token_stops[row, -1]]
        shown = "".join(pieces[int(token)] for token in windows.token_ids[row])
        if "‹" not in shown:
            assert shown == span
