"""Numbers of whole texts and of their sections, from windows.parquet."""

import dataclasses
import math
import re
from collections.abc import Iterator

import numpy as np

from byheart.measures.results import BookResults, Results, WindowTable

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """The windows of a text, or of a section of one."""

    name: str
    text: str
    """The name of the whole text."""
    is_control: bool
    log10_p_z: np.ndarray
    """float64 [W]."""
    log_probs: np.ndarray
    """float32 [W, S], nats."""
    ranks: np.ndarray
    """int32 [W, S]."""
    characters: np.ndarray
    """int64 [W]: the characters of each suffix."""

    @property
    def best(self) -> float:
        """The largest log10 of p_z."""
        return float(self.log10_p_z.max())

    @property
    def median(self) -> float:
        """The median of log10 of p_z."""
        return float(np.median(self.log10_p_z))

    @property
    def bits_per_character(self) -> float:
        """How many bits the model needs for a character of a suffix, given what stands before it."""
        return -float(self.log_probs.sum(dtype=np.float64)) / math.log(2) / int(self.characters.sum())

    @property
    def corrections(self) -> float:
        """Of 1,000 suffix tokens, those that are not the model's first guess."""
        return 1000 * float((self.ranks > 0).mean())

    @property
    def longest_run(self) -> int:
        """The most suffix tokens in a row that are the model's first guess, within one window."""
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
    return [_measure(book, book.read_windows(), np.s_[:], name=book.book.name) for book in results.books]


def list_sections(results: Results) -> list[Measured]:
    """The sections of the books, and the controls whole."""
    rows: list[Measured] = []
    for book in results.books:
        windows = book.read_windows()
        if book.book.role == "control":
            rows.append(_measure(book, windows, np.s_[:], name=book.book.name))
        else:
            rows += _cut(book, windows)
    return rows


def list_best_of_controls(rows: list[Measured]) -> list[float]:
    """The largest log10 of p_z in each control, the largest first."""
    return sorted((row.best for row in rows if row.is_control), reverse=True)


def _cut(book: BookResults, windows: WindowTable) -> Iterator[Measured]:
    """The sections that have windows whose suffix begins in them; a heading opens each."""
    text = book.read_text() or ""
    headings = list(_HEADING.finditer(text))
    stops = [*(heading.start() for heading in headings[1:]), len(text)]
    for heading, stop in zip(headings, stops, strict=True):
        at = windows.windows.suffix_start
        inside = np.flatnonzero((heading.start() <= at) & (at < stop))
        if inside.size:
            yield _measure(book, windows, inside, name=heading[1])


def _measure(book: BookResults, windows: WindowTable, rows: slice | np.ndarray, *, name: str) -> Measured:
    spans, scores = windows.windows, windows.scores
    return Measured(
        name=name,
        text=book.book.name,
        is_control=book.book.role == "control",
        log10_p_z=scores.log_p_z[rows] / math.log(10),
        log_probs=scores.token_log_probs[rows],
        ranks=scores.token_ranks[rows],
        characters=(spans.stop - spans.suffix_start)[rows],
    )
