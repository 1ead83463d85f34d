"""Plot: from scores to what people read: charts, statistics, tables and provenance."""

import dataclasses
import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from byheart.components.plot.charts import CHARTS
from byheart.components.plot.charts.frame import Subject, write
from byheart.components.plot.methods import methods
from byheart.components.plot.page import Pictures, draw_pictures, summary_html, summary_markdown
from byheart.components.plot.provenance import Run
from byheart.components.plot.summary import summary_table, together
from byheart.components.plot.tables import control_sample_table, passages_table, windows_table
from byheart.contracts.books import CONTROL, Book, read_refused
from byheart.contracts.plan import Plan
from byheart.contracts.progress import say
from byheart.contracts.windows import control_sample, read_measured_books, read_windows
from byheart.measures.headline import AT_LENGTH, metrics
from byheart.measures.measured import SCHEMES, Measured, measure
from byheart.measures.outcomes import Control, Outcome, control_of
from byheart.measures.rates import Rates, count
from byheart.measures.statistics import Statistics, all_passages, statistics
from byheart.measures.uncertainty import blocks
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
    pictures: dict[str, Pictures] = {}

    def outcome(book: Book, control: Control | None) -> Outcome:
        found, subject = _write_book(out, book, windows, whole, scores, control)
        charted = book.role != CONTROL and len(texts) <= AT_LENGTH  # a control's rates stand in the others' charts
        pictures[book.name] = draw_pictures(subject, with_charts=charted)
        return found

    outcomes = {book.name: outcome(book, None) for book in texts if book.role == CONTROL}
    control = control_of(list(outcomes.values()))
    outcomes |= {book.name: outcome(book, control) for book in texts if book.role != CONTROL}
    in_order = [outcomes[book.name] for book in texts]
    taken_together = together(in_order)
    refused = [dataclasses.asdict(one) for one in (*read_refused(books), *read_refused(windows))]

    (out / "summary.csv").write_text(summary_table(whole, in_order), encoding="utf-8")
    _write_json(out / "summary.json", {**taken_together, "provenance": whole.provenance()})
    page = summary_html(whole, in_order, taken_together, refused, pictures)
    (out / "summary.html").write_text(page, encoding="utf-8")
    (out / "summary.md").write_text(summary_markdown(whole, in_order, taken_together, refused), encoding="utf-8")
    (out / "methods.md").write_text(methods(whole, in_order), encoding="utf-8")
    made = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    described = {outcome.described["name"]: outcome.described for outcome in in_order}
    _write_json(out / "provenance.json", {**made, **whole.provenance(), "books": described, "not_measured": refused})
    return metrics(in_order, taken_together)


def _write_book(
    out: Path, book: Book, windows: str, whole: Run, scores: ScoreStore, control: Control | None
) -> tuple[Outcome, Subject]:
    """Write one book's folder; what is kept of it for the run's own files, and what its charts are about."""
    measured, described = _read_book(book, windows, whole, scores)
    cut = blocks(book)
    counts = {name: count(measured, scheme, cut) for name, scheme in measured.schemes.items()}
    rates = {name: Rates.of(counted) for name, counted in counts.items()}
    found = all_passages(measured)
    numbers = statistics(measured, cut, rates, found, control)

    folder = out / book.name
    folder.mkdir(parents=True, exist_ok=True)
    provenance = {**whole.provenance(), "book": described}
    _write_json(folder / "statistics.json", {**numbers, "provenance": provenance})
    (folder / "windows.parquet").write_bytes(windows_table(measured, provenance))
    (folder / "passages.csv").write_text(passages_table(measured, found), encoding="utf-8")
    if len(measured.sample):
        (folder / "control_sample.parquet").write_bytes(control_sample_table(measured, provenance))
    subject = Subject(
        measured=measured,
        rates=rates,
        control=control,
        settings=whole.settings.chart,
        model=whole.model.source,
        footer=whole.in_words(measured.windows),
    )
    for name, draw in CHARTS.items():
        write(draw(subject), folder / name)
    _say_headline(book, numbers)
    kept = Outcome(
        described=described,
        statistics=numbers,
        rates=rates,
        counts=counts,
        log_p_z={name: measured.schemes[name].log_p_z for name in SCHEMES},
    )
    return kept, subject


def _read_book(book: Book, windows: str, whole: Run, held: ScoreStore) -> tuple[Measured, dict[str, Any]]:
    """One book with its scores, and what its files say of it."""
    plan, settings = whole.plan, whole.settings
    rows = read_windows(windows, book.name)
    scores, computed_on = _read_scores(held, plan, plan.addresses[book.name], len(rows))
    described = {
        **book.identity(),
        "chapters": len(book.chapters),
        "scores": plan.addresses[book.name],
        "computed_on": computed_on,
    }
    sample = control_sample(rows, settings.control.control_sample)
    sample_scores = scores.rows(slice(0))
    if len(sample):
        address = described["control_sample"] = plan.control_addresses[book.name]
        sample_scores, _ = _read_scores(held, plan, address, len(sample))
    measured = measure(
        book,
        rows,
        scores,
        sample,
        sample_scores,
        prompt_tokens=settings.window.prompt_tokens,
        scored_tokens=whole.tokenization.scored_tokens,
        stride=settings.window.cursor_inc,
    )
    return measured, described


def _read_scores(held: ScoreStore, plan: Plan, address: str, windows: int) -> tuple[Scores, list[dict[str, Any]]]:
    """All scores at an address, and the different things that they were computed on."""
    columns, computed_on = held.read(address, windows, SCORES, reuse=Reuse.of(plan))
    return Scores(**columns), computed_on


def _say_headline(book: Book, numbers: Statistics) -> None:
    headline, characters = numbers["headline"], numbers["characters"]
    say(
        f"{book.name}: {headline['share_of_measurable_characters_at_0.5']:.1%} of measurable characters at p_z ≥ 0.5; "
        f"{headline['share_of_windows_at_0.001']:.1%} of windows at p_z ≥ 0.001; "
        f"longest passage {headline['longest_passage_characters_at_0.5']:,} characters"
    )
    measurable = characters["suffix"]["measurable"] / characters["count"]
    if measurable < _HARDLY_MEASURED:
        say(
            f"{book.name}: only {measurable:.1%} of the characters are measurable: lower cursor_inc to measure the rest"
        )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
