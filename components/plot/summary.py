"""The books of a run side by side (summary.csv), and taken together (summary.json)."""

from collections.abc import Sequence
from typing import Any

from byheart.components.plot.provenance import Run
from byheart.components.plot.tables import as_csv
from byheart.contracts.books import BOOK, CONTROL
from byheart.measures.measured import COVERAGES, SCHEMES
from byheart.measures.outcomes import Outcome
from byheart.measures.rates import GREEDY, THRESHOLDS, WINDOWS, Rates
from byheart.measures.uncertainty import Counts

_RATES = {
    "greedy_windows": GREEDY,
    **{f"windows_at_{threshold}": (WINDOWS, threshold) for threshold in THRESHOLDS},
    **{f"{name}_coverage_at_{threshold}": (name, threshold) for name in COVERAGES for threshold in THRESHOLDS},
}
"""The rates of a summary, by the name of their column."""
_BEFORE = ("book", "role", "source", "book_sha256", "characters", "windows", "stride_characters")
_AFTER = (
    "longest_passage_characters_at_0.5", "not_repetitive_windows_at_0.5", "model", "weights_sha256", "preset",
    "code_version", "commit",
)  # fmt: skip


def summary_table(run: Run, books: Sequence[Outcome]) -> str:
    """A row for each book, as CSV: its rates under the plain scheme, with their intervals, and what they are of."""
    columns = (*_BEFORE, *(name for rate in _RATES for name in (rate, f"{rate}_low", f"{rate}_high")), *_AFTER)
    return as_csv(columns, (_row(run, outcome) for outcome in books))


def _row(run: Run, outcome: Outcome) -> dict[str, Any]:
    book, numbers, code = outcome.described, outcome.statistics, run.provenance()["code"]
    row: dict[str, Any] = {
        "book": book["name"],
        "role": book["role"],
        "source": book["source"],
        "book_sha256": book["sha256"],
        "characters": book["characters"],
        "windows": numbers["windows"]["count"],
        "stride_characters": numbers["windows"]["stride_characters"],
        "longest_passage_characters_at_0.5": numbers["headline"]["longest_passage_characters_at_0.5"],
        "not_repetitive_windows_at_0.5": numbers["plain"]["windows_at"]["0.5"]["not_repetitive"]["share"],
        "model": run.model.source,
        "weights_sha256": run.model.weights_sha256,
        "preset": run.settings.preset,
        "code_version": code["version"],
        "commit": code["commit"],
    }
    for name, kind in _RATES.items():
        low, high = outcome.rates["plain"].interval(*kind) or (None, None)
        row |= {name: outcome.rates["plain"].rate(*kind), f"{name}_low": low, f"{name}_high": high}
    return row


def together(books: Sequence[Outcome]) -> dict[str, Any]:
    """The rates of all books, and of all controls, taken together, under each scheme; None where there are none.

    micro    all windows (or characters) in one pool: long books count more
    macro    the mean of the books' own rates: each book counts the same
    """
    roles = {"books": BOOK, "controls": CONTROL}
    return {name: _together([book for book in books if book.described["role"] == role]) for name, role in roles.items()}


def _together(books: Sequence[Outcome]) -> dict[str, Any] | None:
    if not books:
        return None
    found: dict[str, Any] = {
        "count": len(books),
        "blocks": {outcome.described["name"]: outcome.statistics["uncertainty"]["blocks"] for outcome in books},
    }
    for scheme in SCHEMES:
        counts = [outcome.counts[scheme] for outcome in books]
        found[scheme] = {"micro": _shares(Rates.of(Counts.pooled(counts))), "macro": _shares(Rates.mean(counts))}
    return found


def _shares(rates: Rates) -> dict[str, Any]:
    return {name: {"share": rates.rate(*kind), "interval": rates.interval(*kind)} for name, kind in _RATES.items()}
