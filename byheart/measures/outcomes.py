"""What is kept of a book once its files are written, and what the control books of a run make together."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from byheart.contracts.books import CONTROL
from byheart.measures.compute import compute_statistics
from byheart.measures.control import Control
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import Measured
from byheart.measures.passages import BookPassages
from byheart.measures.provenance import BookDescription, BookProvenance
from byheart.measures.rates import Rates, count
from byheart.measures.scheme_statistics import SchemeStatistics
from byheart.measures.schemes import Schemes, gather
from byheart.measures.statistics import BookStatistics
from byheart.measures.uncertainty import Counts, blocks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is kept of a book once its own files are written."""

    statistics: BookStatistics
    rates: Schemes[Rates]
    counts: Schemes[Counts]
    log_p_z: Schemes[np.ndarray]

    @property
    def book(self) -> BookDescription:
        """What is said of the book."""
        return self.statistics.provenance.book

    @property
    def is_control(self) -> bool:
        """Whether the model cannot have seen it."""
        return self.book.role == CONTROL


def outcome_of(measured: Measured, found: BookPassages, provenance: BookProvenance, control: Control | None) -> Outcome:
    """The numbers of a book, and what the run's own files need of it.

    Args:
        found: the book's passages.
        control: the run's control books together; None for one of them, and where there are none.
    """
    cut = blocks(measured.book, measured.selection.characters)
    counts = measured.schemes.map(lambda scheme: count(measured, scheme, cut))
    rates = counts.map(Rates.of)
    return Outcome(
        statistics=compute_statistics(measured, cut, rates, found, provenance, control),
        rates=rates,
        counts=counts,
        log_p_z=measured.schemes.map(lambda scheme: scheme.log_p_z),
    )


def control_of(books: Sequence[Outcome]) -> Control | None:
    """The control that these books make; None if there are none."""
    if not books:
        return None
    return Control(
        books=[outcome.book.name for outcome in books],
        rates=gather(outcome.counts for outcome in books).map(lambda counts: Rates.of(Counts.pooled(counts))),
        log_p_z=gather(outcome.log_p_z for outcome in books).map(np.concatenate),
        clear=gather(outcome.statistics.schemes for outcome in books).map(_clear),
    )


def _clear(books: Sequence[SchemeStatistics]) -> dict[float, tuple[int, int]]:
    """The sums of the books' non-overlapping windows, by threshold."""
    each = {at: [book.windows_at[at].non_overlapping for book in books] for at in THRESHOLDS}
    return {at: (sum(one.count for one in some), sum(one.of for one in some)) for at, some in each.items()}
