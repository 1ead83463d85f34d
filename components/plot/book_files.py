"""The files of one book."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from byheart.components.plot.charts import CHARTS, heat_map
from byheart.components.plot.frame import ChartData, write_figure
from byheart.components.plot.provenance import Run
from byheart.components.plot.tables import (
    make_chapters_table,
    make_control_sample_table,
    make_passages_table,
    make_windows_table,
)
from byheart.contracts.books import CONTROL, Book
from byheart.contracts.json_files import write_json
from byheart.contracts.only import Span
from byheart.contracts.setting_groups import FULL
from byheart.measures.calibration.calibrate import calibrate
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.control import Control
from byheart.measures.measured import MeasuredBook
from byheart.measures.outcomes import Outcome, make_outcome
from byheart.measures.passages import find_all_passages, find_quoted, list_passages
from byheart.measures.provenance import BookDescription, BookProvenance
from byheart.measures.results import (
    CALIBRATION,
    CHAPTERS,
    CHAPTERS_TABLE,
    CONTROL_SAMPLE,
    PASSAGES,
    STATISTICS,
    TEXT,
    WINDOWS,
)

ReadBook = Callable[[Book], tuple[MeasuredBook, BookDescription]]
"""Returns a book with its scores, and its description."""


def write_numbers(
    folder: Path, book: Book, read: ReadBook, this_run: Run, control: Control | None, books_count: int
) -> tuple[Outcome, ChartData, list[Span] | None]:
    """Write a book's numbers; returns its outcome, the data of its charts, and what of its text results quote.

    Args:
        folder: is made.
        control: the controls of the run; None for a control, and in a run without controls.
        books_count: how many books the run compares with these controls.
    """
    measured, description = read(book)
    passages = find_all_passages(measured)
    comparison = compare(Document.from_measured(measured), control.documents) if control else None
    bands = this_run.settings.control
    calibration = (
        calibrate(comparison, q=bands.band_share, r=bands.band_rank, books=books_count, sample=measured.sample_log_p_z)
        if comparison
        else None
    )
    provenance = BookProvenance(**vars(this_run.provenance), book=description)
    outcome = make_outcome(measured, passages, provenance, control, calibration)

    report = this_run.settings.report
    folder.mkdir(parents=True)
    if report.report_text == FULL:
        (folder / TEXT).write_bytes(book.text.encode())
    write_json(folder / CHAPTERS, outcome.chapters)
    (folder / CHAPTERS_TABLE).write_text(make_chapters_table(outcome.chapters), encoding="utf-8")
    write_json(folder / STATISTICS, outcome.statistics)
    if calibration:
        write_json(folder / CALIBRATION, calibration)
    (folder / WINDOWS).write_bytes(make_windows_table(measured, provenance, with_tokens=report.report_text == FULL))
    rows = list_passages(measured, passages, report.most_characters)
    (folder / PASSAGES).write_bytes(make_passages_table(rows).encode())
    if len(measured.sample):
        (folder / CONTROL_SAMPLE).write_bytes(make_control_sample_table(measured, provenance))
    data = ChartData(
        measured=measured,
        rates=outcome.rates,
        recall=outcome.recall,
        control=control,
        comparison=comparison,
        calibration=calibration,
        settings=this_run.settings.chart,
        model=this_run.provenance.label,
        footer=this_run.describe(description),
    )
    return outcome, data, None if report.report_text == FULL else find_quoted(measured, rows)


def write_charts(folder: Path, data: ChartData) -> dict[str, Figure]:
    """Write a book's charts; returns those but the map, by name."""
    kept = {}
    for name, draw in CHARTS.items():
        figure = draw(data)
        if figure.axes or data.measured.book.role != CONTROL:  # of a control, none that says that there is nothing
            write_figure(figure, folder / name)
            if draw is not heat_map.draw:
                kept[name] = figure
    return kept
