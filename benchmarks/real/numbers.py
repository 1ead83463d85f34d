"""Numbers of whole texts and of their sections: from statistics and chapters, the rest from windows.parquet."""

import dataclasses
import math

import numpy as np

from byheart.contracts.books import CONTROL
from byheart.measures.recall import BestWindow, Recall
from byheart.measures.results import BookResults, Results
from byheart.measures.tables import WindowTable


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """The windows of a text, or of a section of one."""

    name: str
    text: str
    """The name of the whole text."""
    is_control: bool
    recall: Recall
    best_window: BestWindow
    log10_p_z: np.ndarray
    """float64 [W]."""
    ranks: np.ndarray
    """int32 [W, S]."""

    @property
    def best(self) -> float:
        """The largest log10 of p_z."""
        return self.best_window.log_p_z / math.log(10)

    @property
    def median(self) -> float:
        """The median of log10 of p_z."""
        return float(np.median(self.log10_p_z))

    @property
    def bits_per_character(self) -> float:
        """How many bits the model needs for a character of a suffix, given what stands before it."""
        return self.recall.bits_per_character or 0.0

    @property
    def corrections(self) -> float:
        """Of 1,000 suffix tokens, those that are not the model's first guess."""
        return self.recall.corrections_per_1000_tokens

    @property
    def longest_run(self) -> int:
        """The most suffix tokens in a row that are the model's first guess, anywhere within one window."""
        longest = 0
        for right in self.ranks == 0:
            ends = np.flatnonzero(np.diff(np.r_[False, right, False].astype(np.int8)))
            longest = max(longest, *(ends[1::2] - ends[::2]), 0)
        return int(longest)

    def share_above(self, log10_p_z: float) -> float:
        """The share of windows that are more probable."""
        return float((self.log10_p_z > log10_p_z).mean())


def list_texts(results: Results) -> list[Measured]:
    """Every text, books first."""
    return [_measure_text(book, book.read_windows()) for book in results.books]


def list_sections(results: Results) -> list[Measured]:
    """The sections of the books, which are their chapters, and the controls whole."""
    rows: list[Measured] = []
    for book in results.books:
        windows = book.read_windows()
        rows += [_measure_text(book, windows)] if book.book.role == CONTROL else _list_chapters(book, windows)
    return rows


def list_best_of_controls(rows: list[Measured]) -> list[float]:
    """The largest log10 of p_z in each control, the largest first."""
    return sorted((row.best for row in rows if row.is_control), reverse=True)


def _measure_text(book: BookResults, windows: WindowTable) -> Measured:
    statistics = book.statistics
    return _measure(book, windows, np.s_[:], book.book.name, statistics.recall, statistics.best_window)


def _list_chapters(book: BookResults, windows: WindowTable) -> list[Measured]:
    """The chapters in which the suffix of a window begins."""
    return [
        _measure(
            book, windows, windows.chapter == chapter.number, chapter.title.removeprefix("# "),
            chapter.recall, chapter.best_window,
        )
        for chapter in book.read_chapters()
        if chapter.windows
    ]  # fmt: skip


def _measure(
    book: BookResults,
    windows: WindowTable,
    rows: slice | np.ndarray,
    name: str,
    recall: Recall | None,
    best: BestWindow | None,
) -> Measured:
    assert recall, "there are windows"
    assert best
    return Measured(
        name=name,
        text=book.book.name,
        is_control=book.book.role == CONTROL,
        recall=recall,
        best_window=best,
        log10_p_z=windows.scores.log_p_z[rows] / math.log(10),
        ranks=windows.scores.token_ranks[rows],
    )
