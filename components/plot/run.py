"""Plot: write charts, statistics, tables and provenance from scores."""

import dataclasses
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from byheart.components.plot.book_files import ReadBook, write_charts, write_numbers
from byheart.components.plot.markdown import MOST_MAP_CHARACTERS, render_summary_markdown
from byheart.components.plot.methods import write_methods
from byheart.components.plot.provenance import Run
from byheart.components.plot.report.data import ReportData
from byheart.components.plot.report.page import render_report
from byheart.components.plot.report.pictures import Pictures, draw_map, draw_pictures
from byheart.components.plot.scored import read_scored_book
from byheart.components.plot.summary import make_summary_table
from byheart.components.plot.tables import (
    make_tokens_table,
)
from byheart.contracts.books import CONTROL, Book, Refused, read_refused
from byheart.contracts.errors import StoreError
from byheart.contracts.json_files import write_json
from byheart.contracts.model import read_model
from byheart.contracts.pieces import read_pieces
from byheart.contracts.plan import Plan, Registration, read_plan
from byheart.contracts.progress import format_count, say
from byheart.contracts.setting_groups import FULL, NONE, SelectionSettings
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_measured_books, read_tokenization
from byheart.contracts.windows import Windows
from byheart.measures.artifacts import explain_fetching
from byheart.measures.control import Control
from byheart.measures.headline import collect_metrics, find_detailed_roles, list_figures
from byheart.measures.measured import MeasuredBook
from byheart.measures.near import Numbers
from byheart.measures.outcomes import Outcome, join_controls
from byheart.measures.provenance import PROVENANCE, Provenance
from byheart.measures.rescored import ToScore, find_rescored
from byheart.measures.results import (
    REPORT,
    SUMMARY,
    TOKENS,
)
from byheart.measures.selection import describe_selection
from byheart.measures.statistics import BookStatistics
from byheart.measures.summary import summarize
from byheart.pages.lettering import choose_fonts
from byheart.scores.store import ScoreStore
from byheart.store import open_store

_HARDLY_MEASURED = 0.9
"""Below this share of measurable characters, the log says so."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """What provenance.json says of one run alone, beside its books: repetitions of the run differ in it."""

    created: str
    python: str
    registration: Registration | None


def run(
    *, books: str, model: str, windows: str, settings: str, plan: str, store: str, results: str, address: str = ""
) -> dict[str, float]:
    """Write a folder for each book and the files of the run; returns the headline, by readable name.

    A dot stands before the name of a book's folder until the folder is complete.

    Args:
        books, model, windows, settings, plan: what the earlier stages wrote.
        store: the store with the scores.
        results: the folder to write.
        address: where Kubeflow keeps that folder; empty or a path says nothing of it.

    Raises:
        StoreError: a part of the scores is missing.
        DamagedError: a part of the scores is damaged.
    """
    run_plan = read_plan(plan)
    scores = ScoreStore(open_store(store), run_plan.scored_tokens)
    this_run = Run.describe_here(
        settings=Settings.read(settings),
        model=read_model(model).identity,
        tokenization=read_tokenization(windows),
        precision=run_plan.precision,
        rescored=run_plan.rescoring is not None,
    )
    rescored = _find_rescored(books, windows, this_run.settings, run_plan, scores) if run_plan.rescoring else {}
    headline = write_results(
        Path(results),
        this_run,
        read_measured_books(books, windows),
        lambda book: read_scored_book(book, windows, this_run, run_plan, scores, rescored),
        refused=[*read_refused(books), *read_refused(windows)],
        pieces=dict(enumerate(read_pieces(windows))) if this_run.settings.report.report_text == FULL else None,
        made=Made(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            python=platform.python_version(),
            registration=run_plan.registration,
        ),
    )
    for line in explain_fetching(address):
        say(line)
    return headline


def _find_rescored(books: str, windows: str, settings: Settings, run_plan: Plan, scores: ScoreStore) -> Numbers:
    try:
        return find_rescored(books, windows, settings, run_plan, scores)
    except ToScore as more:
        raise StoreError(
            f"store must hold scores in float32 of all windows near thresholds, found {more.args[0]:,} without: run "
            "again to compute them",
            parameter="store",
        ) from None


def write_results(
    out: Path,
    this_run: Run,
    texts: Sequence[Book],
    read: ReadBook,
    *,
    refused: Sequence[Refused],
    pieces: Mapping[int, str] | None,
    made: Made,
    tell: Callable[[str], None] = say,
) -> dict[str, float]:
    """Write the results of a run from its scores; returns the headline, by readable name.

    Args:
        out: the folder to write.
        texts: the measured books and controls, in the order of the run's parameters.
        read: called once for each of them, so that only one book's scores are in memory.
        refused: the books that could not be measured.
        pieces: the text of each token id; None where the results hold no tokens.
        tell: called with lines for people.
    """
    if this_run.settings.report.report_text == NONE:
        texts = [_without_titles(book) for book in texts]
    detailed = find_detailed_roles(book.role for book in texts)
    pictures: dict[str, Pictures] = {}
    report = ReportData(this_run.provenance, pieces)
    maps: list[str] = []
    first = next((book.name for book in texts if book.role != CONTROL), texts[0].name if texts else "")
    books_count = sum(book.role != CONTROL for book in texts)

    def write_and_draw(book: Book, control: Control | None) -> Outcome:
        folder = out / f".{book.name}"
        outcome, data, quoted = write_numbers(folder, book, read, this_run, control, books_count)
        charts = write_charts(folder, data)
        folder.rename(out / book.name)
        report.add(data.measured, outcome, data.comparison, quoted)
        for line in _list_headline(outcome.statistics, data.measured, this_run.settings.selection):
            tell(line)
        charted = book.role in detailed and book.role != CONTROL  # a control's rates stand in the others' charts
        pictures[book.name] = draw_pictures(data, charts if charted else {})
        if book.name == first:
            maps.append(draw_map(data, MOST_MAP_CHARACTERS))
        return outcome

    tell(f"statistics, tables and charts of {format_count(len(texts), 'text')}")
    with choose_fonts(_list_written(this_run, texts), tell):
        outcomes = {book.name: write_and_draw(book, None) for book in texts if book.role == CONTROL}
        control = join_controls(list(outcomes.values()))
        outcomes |= {book.name: write_and_draw(book, control) for book in texts if book.role != CONTROL}
    in_order = [outcomes[book.name] for book in texts]
    summary = summarize(in_order, this_run.provenance)

    (out / "summary.csv").write_text(make_summary_table(this_run, in_order), encoding="utf-8")
    write_json(out / SUMMARY, summary)
    names = [book.name for book in texts]
    page = render_report(this_run, in_order, summary, refused, pictures, lambda room: report.fill(names, room).render())
    (out / REPORT).write_text(page, encoding="utf-8")
    if pieces is not None:
        (out / TOKENS).write_bytes(make_tokens_table(report.list_pieces(), this_run.provenance))
    markdown = render_summary_markdown(this_run, in_order, summary, refused, "".join(maps))
    (out / "summary.md").write_text(markdown, encoding="utf-8")
    (out / "methods.md").write_text(write_methods(this_run, in_order), encoding="utf-8")
    provenance = Provenance(
        **vars(this_run.provenance),
        **vars(made),
        books={outcome.book.name: outcome.book for outcome in in_order},
        not_measured=list(refused),
    )
    write_json(out / PROVENANCE, provenance)
    return collect_metrics(in_order, summary)


def _list_written(this_run: Run, texts: Sequence[Book]) -> Iterator[str]:
    """What charts write that is not byheart's own."""
    yield this_run.provenance.label
    yield this_run.settings.chart.plot_title
    for book in texts:
        yield from (book.name, book.called, *(chapter.title for chapter in book.chapters))


def _without_titles(book: Book) -> Book:
    """The book without chapter titles, which are lines of its text."""
    return dataclasses.replace(
        book, chapters=tuple(dataclasses.replace(chapter, title="") for chapter in book.chapters)
    )


def _list_headline(numbers: BookStatistics, measured: MeasuredBook, settings: SelectionSettings) -> Iterator[str]:
    name, share = numbers.provenance.book.name, numbers.measurable_share
    if selection := describe_selection(numbers.provenance.book, settings):
        yield f"{name}: {selection}"
    yield f"{name}: {'; '.join(f'{figure.shown_in_table} {figure.phrase}' for figure in list_figures(numbers))}"
    if share < _HARDLY_MEASURED and not numbers.provenance.book.selection.is_spread:
        why = _explain_unmeasured(measured.all_windows, measured.stride)
        yield f"{name}: only {share:.1%} of the characters are measurable: {why}"


def _explain_unmeasured(windows: Windows, stride: int) -> str:
    """Why characters are not measurable, and what to do."""
    if len(windows) and np.median(windows.stop - windows.suffix_start) < stride:
        return "lower cursor_inc to measure the rest"
    return "the rest lies before the first suffix or behind the last, or where slice_length holds no window"
