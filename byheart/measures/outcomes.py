"""The outcome of a book, which stays in memory after its files are written, and the control books of a run joined."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from byheart.contracts.books import CONTROL
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.stretches import Document
from byheart.measures.chapters import ListedChapter, list_chapters
from byheart.measures.compute import compute_statistics
from byheart.measures.control import Control
from byheart.measures.discoverable import HEADLINE_THRESHOLD, THRESHOLDS
from byheart.measures.measured import MeasuredBook
from byheart.measures.passages import BookPassages
from byheart.measures.provenance import BookDescription, BookProvenance
from byheart.measures.rates import Rates, count_hits, cut_book
from byheart.measures.recall import WindowRecall
from byheart.measures.scheme_statistics import SchemeStatistics
from byheart.measures.schemes import Schemes, gather
from byheart.measures.statistics import BookStatistics
from byheart.measures.suffix_length import SuffixLength
from byheart.measures.uncertainty import Counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The numbers of a book that stay in memory after its files are written."""

    statistics: BookStatistics
    rates: Schemes[Rates]
    counts: Schemes[Counts]
    log_p_z: Schemes[np.ndarray]
    recall: WindowRecall
    chapters: list[ListedChapter]
    best_words: str
    """The suffix of the best window; empty where there are no windows."""
    longest_words: str
    """The longest passage at p_z ≥ 0.5; empty where there is none."""
    suffix_length: SuffixLength | None
    """How long its suffixes are; None where there are no windows."""
    document: Document | None
    """The windows of a control; None of a book."""
    calibration: Calibration | None
    """The book against the controls of its run; None of a control, and in a run without controls."""

    @property
    def book(self) -> BookDescription:
        """The description of the book."""
        return self.statistics.provenance.book

    @property
    def is_control(self) -> bool:
        """Whether the book is a control: the model cannot have seen it."""
        return self.book.role == CONTROL


def make_outcome(
    measured: MeasuredBook,
    passages: BookPassages,
    provenance: BookProvenance,
    control: Control | None,
    calibration: Calibration | None = None,
) -> Outcome:
    """The statistics of a book, and the counts that the summary of a run needs.

    Args:
        control: the control books of the run, pooled; None for a control book, and in a run without controls.
        calibration: the book against these controls.
    """
    blocks = cut_book(measured)
    counts = measured.schemes.map(lambda scheme: count_hits(measured, scheme, blocks))
    rates = counts.map(Rates.from_counts)
    recall = WindowRecall.from_scores(measured.book.text, measured.windows, measured.scores)
    statistics = compute_statistics(measured, blocks, rates, recall, passages, provenance, control)
    best, longest = statistics.best_window, statistics.plain.passages_at[HEADLINE_THRESHOLD].longest
    return Outcome(
        statistics=statistics,
        rates=rates,
        counts=counts,
        log_p_z=measured.schemes.map(lambda scheme: scheme.log_p_z),
        recall=recall,
        chapters=list_chapters(measured, recall),
        best_words=measured.book.text[best.suffix_start : best.stop] if best else "",
        longest_words=measured.book.text[longest.start : longest.stop] if longest else "",
        suffix_length=SuffixLength.measure(measured.book.text, measured.windows),
        document=Document.from_measured(measured) if measured.book.role == CONTROL else None,
        calibration=calibration,
    )


def join_controls(books: Sequence[Outcome]) -> Control | None:
    """The control books pooled; None if there are none."""
    if not books:
        return None
    return Control(
        books=[outcome.book.name for outcome in books],
        rates=gather(outcome.counts for outcome in books).map(lambda counts: Rates.from_counts(Counts.pool(counts))),
        log_p_z=gather(outcome.log_p_z for outcome in books).map(np.concatenate),
        recall=WindowRecall.pool([outcome.recall for outcome in books]),
        best_windows={outcome.book.name: outcome.statistics.best_window for outcome in books},
        non_overlapping=gather(outcome.statistics.schemes for outcome in books).map(_add_non_overlapping),
        documents=tuple(outcome.document for outcome in books if outcome.document),
    )


def _add_non_overlapping(books: Sequence[SchemeStatistics]) -> dict[float, tuple[int, int]]:
    """By threshold: how many non-overlapping windows of the books reach it, and how many there are."""
    windows = {threshold: [book.windows_at[threshold].non_overlapping for book in books] for threshold in THRESHOLDS}
    return {
        threshold: (sum(window.count for window in of_books), sum(window.of for window in of_books))
        for threshold, of_books in windows.items()
    }
