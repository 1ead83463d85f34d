"""The books of a run side by side: summary.csv."""

from collections.abc import Sequence
from typing import Any

from byheart.components.plot.provenance import Run
from byheart.contracts.csv_tables import format_csv
from byheart.measures.calibration.columns import list_calibration_columns
from byheart.measures.discoverable import HEADLINE_THRESHOLD, NEAR_HALF
from byheart.measures.outcomes import Outcome
from byheart.measures.recall import list_recall_columns
from byheart.measures.summary import SummaryRates


def make_summary_table(run: Run, books: Sequence[Outcome]) -> str:
    """A row for each book, as CSV: its rates under the plain scheme with intervals, its recall, its provenance."""
    rows = [_make_row(run, outcome) for outcome in books]
    return format_csv(rows[0], rows)


def _make_row(run: Run, outcome: Outcome) -> dict[str, Any]:
    book, numbers, provenance = outcome.book, outcome.statistics, outcome.statistics.provenance
    row: dict[str, Any] = {
        "book": book.name,
        "role": book.role,
        "source": book.source,
        "book_sha256": book.sha256,
        "characters": book.characters,
        "characters_asked": numbers.characters.asked,
        "windows": numbers.windows.count,
        "windows_of_book": numbers.windows.of_book,
        "stride_characters": numbers.windows.stride_characters,
    }
    for name, rate in SummaryRates.from_rates(outcome.rates.plain).columns():
        low, high = rate.interval or (None, None)
        row |= {name: rate.share, f"{name}_low": low, f"{name}_high": high}
    row |= dict(list_recall_columns(numbers.recall, numbers.best_window))
    row |= {f"suffix_coverage_at_{at}": numbers.near_half.coverage_at[at] for at in NEAR_HALF}
    row |= {f"windows_at_{at}": numbers.near_half.windows_at[at] for at in NEAR_HALF}
    row |= dict(list_calibration_columns(outcome.calibration))
    return row | {
        "longest_passage_characters_at_0.5": numbers.headline.longest,
        "not_repetitive_windows_at_0.5": numbers.plain.windows_at[HEADLINE_THRESHOLD].not_repetitive.share,
        "model": run.provenance.label,
        "weights_sha256": run.model.weights_sha256,
        "preset": run.settings.preset,
        "code_version": provenance.code.version,
        "commit": provenance.code.commit,
    }
