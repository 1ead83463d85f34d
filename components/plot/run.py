"""Plot: from scores to what people read: charts, statistics, tables and provenance."""

import dataclasses
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from byheart.components.plot.charts import CHARTS
from byheart.components.plot.frame import Subject, write
from byheart.components.plot.methods import methods
from byheart.components.plot.page import Pictures, draw_pictures, summary_html, summary_markdown
from byheart.components.plot.provenance import Run
from byheart.components.plot.summary import summary_table
from byheart.components.plot.tables import control_sample_table, passages_table, windows_table
from byheart.contracts.books import CONTROL, Book, read_refused
from byheart.contracts.json_files import write_json
from byheart.contracts.plan import Plan
from byheart.contracts.progress import say
from byheart.contracts.settings import FULL, NONE, SelectionSettings
from byheart.contracts.windows import control_sample, read_measured_books, read_selection, read_windows
from byheart.measures.chapters import list_chapters
from byheart.measures.control import Control
from byheart.measures.headline import MOST_DETAILED_BOOKS, collect_metrics, list_figures
from byheart.measures.measured import MeasuredBook, measure
from byheart.measures.outcomes import Outcome, join_controls, make_outcome
from byheart.measures.passages import find_all_passages, list_passages
from byheart.measures.provenance import BookDescription, BookProvenance, ComputedOn, Provenance
from byheart.measures.results import (
    CHAPTERS,
    CONTROL_SAMPLE,
    PASSAGES,
    PROVENANCE,
    STATISTICS,
    SUMMARY,
    TEXT,
    WINDOWS,
)
from byheart.measures.selection import describe_selection
from byheart.measures.statistics import BookStatistics
from byheart.measures.summary import summarize
from byheart.scores.kinds import SCORES
from byheart.scores.scores import Scores
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store

_HARDLY_MEASURED = 0.9
"""The share of measurable characters from which on down a run says so."""


def run(
    *, books: str, model: str, windows: str, settings: str, plan: str, store: str, results: str
) -> dict[str, float]:
    """Write a folder for each book, and what is of the run as a whole; the headline, by names that people read.

    A book's folder has its name once it is whole, and a dot before it until then.

    Args:
        books, model, windows, settings, plan: what the stages before wrote.
        store: where the scores are kept.
        results: the folder to write.

    Raises:
        StoreError: a score part is not there.
        DamagedError: a score part is not whole.
    """
    whole, out = Run.read(settings=settings, model=model, windows=windows, plan=plan), Path(results)
    scores = ScoreStore(open_store(store))
    texts = read_measured_books(books, windows)
    if whole.settings.report.report_text == NONE:
        texts = [_without_titles(book) for book in texts]
    pictures: dict[str, Pictures] = {}

    def outcome(book: Book, control: Control | None) -> Outcome:
        found, subject = _write_book(out, book, windows, whole, scores, control)
        charted = (
            book.role != CONTROL and len(texts) <= MOST_DETAILED_BOOKS
        )  # a control's rates stand in the others' charts
        pictures[book.name] = draw_pictures(subject, with_charts=charted)
        return found

    outcomes = {book.name: outcome(book, None) for book in texts if book.role == CONTROL}
    control = join_controls(list(outcomes.values()))
    outcomes |= {book.name: outcome(book, control) for book in texts if book.role != CONTROL}
    in_order = [outcomes[book.name] for book in texts]
    summary = summarize(in_order, whole.provenance)
    refused = [*read_refused(books), *read_refused(windows)]

    (out / "summary.csv").write_text(summary_table(whole, in_order), encoding="utf-8")
    write_json(out / SUMMARY, summary)
    page = summary_html(whole, in_order, summary, refused, pictures)
    (out / "summary.html").write_text(page, encoding="utf-8")
    (out / "summary.md").write_text(summary_markdown(whole, in_order, summary, refused), encoding="utf-8")
    (out / "methods.md").write_text(methods(whole, in_order), encoding="utf-8")
    provenance = Provenance(
        **vars(whole.provenance),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        books={outcome.book.name: outcome.book for outcome in in_order},
        not_measured=refused,
    )
    write_json(out / PROVENANCE, provenance)
    return collect_metrics(in_order, summary)


def _without_titles(book: Book) -> Book:
    """The book with chapters that say nothing: a title is a line of the text."""
    return dataclasses.replace(
        book, chapters=tuple(dataclasses.replace(chapter, title="") for chapter in book.chapters)
    )


def _write_book(
    out: Path, book: Book, windows: str, whole: Run, scores: ScoreStore, control: Control | None
) -> tuple[Outcome, Subject]:
    """Write one book's folder; what is kept of it for the run's own files, and what its charts are about."""
    measured, described = _read_book(book, windows, whole, scores)
    found = find_all_passages(measured)
    outcome = make_outcome(measured, found, BookProvenance(**vars(whole.provenance), book=described), control)
    provenance = outcome.statistics.provenance

    report = whole.settings.report
    folder = out / f".{book.name}"
    folder.mkdir(parents=True)
    if report.report_text == FULL:
        (folder / TEXT).write_bytes(book.text.encode())
    write_json(folder / CHAPTERS, list_chapters(book))
    write_json(folder / STATISTICS, outcome.statistics)
    (folder / WINDOWS).write_bytes(windows_table(measured, provenance, with_tokens=report.report_text == FULL))
    passages = passages_table(list_passages(measured, found, report.most_characters))
    (folder / PASSAGES).write_bytes(passages.encode())
    if len(measured.sample):
        (folder / CONTROL_SAMPLE).write_bytes(control_sample_table(measured, provenance))
    subject = Subject(
        measured=measured,
        rates=outcome.rates,
        control=control,
        settings=whole.settings.chart,
        model=whole.model.source,
        footer=whole.in_words(described),
    )
    for name, draw in CHARTS.items():
        write(draw(subject), folder / name)
    folder.rename(out / book.name)
    _say_headline(outcome.statistics, whole.settings.selection)
    return outcome, subject


def _read_book(book: Book, windows: str, whole: Run, held: ScoreStore) -> tuple[MeasuredBook, BookDescription]:
    """One book with its scores, and what its files say of it."""
    plan, settings = whole.plan, whole.settings
    rows, selection = read_windows(windows, book.name), read_selection(windows, book.name)
    measured = selection.numbers()
    scores, computed_on = _read_scores(held, plan, plan.addresses[book.name], len(rows), measured)
    sample = control_sample(rows, settings.control.control_sample, measured)
    sample_scores = scores.rows(slice(0))
    if len(sample):
        sample_scores, _ = _read_scores(held, plan, plan.control_addresses[book.name], len(sample))
    described = BookDescription(
        **vars(book.identity),
        chapters=len(book.chapters),
        selection=selection,
        scores=plan.addresses[book.name],
        control_sample=plan.control_addresses[book.name] if len(sample) else None,
        computed_on=computed_on,
    )
    found = measure(
        book,
        rows,
        selection,
        scores,
        sample,
        sample_scores,
        prompt_tokens=settings.window.prompt_tokens,
        scored_tokens=whole.tokenization.scored_tokens,
        stride=settings.window.cursor_inc,
    )
    return found, described


def _read_scores(
    held: ScoreStore, plan: Plan, address: str, windows: int, which: np.ndarray | None = None
) -> tuple[Scores, list[ComputedOn]]:
    """Scores at an address, all or some, and the different things that they were computed on."""
    columns, computed_on = held.read(address, windows, SCORES, which=which, reuse=Reuse.of(plan))
    return Scores(**columns), msgspec.convert(computed_on, list[ComputedOn])


def _say_headline(numbers: BookStatistics, asked: SelectionSettings) -> None:
    name, share = numbers.provenance.book.name, numbers.measurable_share
    if part := describe_selection(numbers.provenance.book, asked):
        say(f"{name}: {part}")
    say(f"{name}: {'; '.join(f'{figure.shown} {figure.phrase}' for figure in list_figures(numbers))}")
    if share < _HARDLY_MEASURED and not numbers.provenance.book.selection.is_spread:
        say(f"{name}: only {share:.1%} of the characters are measurable: lower cursor_inc to measure the rest")
