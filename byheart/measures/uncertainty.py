"""How sure a rate is: counts by block, the block bootstrap, and what overlapping windows are worth.

Windows ten characters apart share almost all their text, so they are not as many observations as there are windows.
Whole blocks of the book are resampled instead, side by side and without overlap (Carlstein 1986,
https://doi.org/10.1214/aos/1176350057), and the interval says how much the rate would vary over books made of such
blocks.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.only import Span
from byheart.contracts.windows import Windows
from byheart.measures.units import Interval

BLOCK_CHARACTERS = 10_000
FEWEST_BLOCKS = 10
"""With fewer, no interval is given. With ten it is too short: see docs/numbers.md for how often it holds."""
REPLICATES = 2_000
LEVEL = 0.95
_ROUNDING = 1e-12
"""The share of a rate by which replicates may differ although every block has the same rate."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blocks:
    """A book, or the part of it that is asked for, cut into pieces that are taken as independent."""

    starts: np.ndarray
    """int [B], ascending; the first is 0 of a whole book."""
    unit: str

    def __len__(self) -> int:
        return len(self.starts)

    def of(self, positions: np.ndarray) -> np.ndarray:
        """The block that each character position of the part lies in; any other position's means nothing."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def blocks(book: Book, asked: Sequence[Span] | None = None) -> Blocks:
    """The chapters of a book if it has enough of them, else runs of 10,000 characters.

    What stands before the first chapter belongs to it; the last run is up to half longer. Of a part only the chapters
    that hold some of it count, and runs are of its own characters.

    Args:
        asked: the stretches of the part, in order; None is the whole book.
    """
    spans = [Span(start=0, stop=len(book.text))] if asked is None else asked
    starts, stops = np.array([span.start for span in spans]), np.array([span.stop for span in spans])
    before = np.cumsum(stops - starts) - (stops - starts)
    edges = np.array([0, *(chapter.start for chapter in book.chapters[1:]), len(book.text)])
    held = [bool(np.any((starts < stop) & (stops > start))) for start, stop in itertools.pairwise(edges.tolist())]
    if book.chapters and sum(held) >= FEWEST_BLOCKS:
        return Blocks(starts=edges[:-1][held], unit="chapters")
    count = max(round(int((stops - starts).sum()) / BLOCK_CHARACTERS), 1)
    firsts = np.arange(count) * BLOCK_CHARACTERS  # counted over the part's own characters
    span = np.searchsorted(before, firsts, side="right") - 1
    return Blocks(starts=starts[span] + firsts - before[span], unit=f"runs of {BLOCK_CHARACTERS:,} characters")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """K kinds of hits in each of B blocks, out of how many: every rate is a ratio of two sums over blocks."""

    hits: np.ndarray
    """float64 [B, K]"""
    totals: np.ndarray
    """float64 [B, K]"""

    @classmethod
    def of(cls, hits: Sequence[np.ndarray], among: np.ndarray, block: np.ndarray, blocks: int) -> "Counts":
        """Count observations.

        Args:
            hits: K bool arrays, whether each observation is a hit.
            among: bool, whether it counts at all.
            block: int, the block it lies in.
        """
        counted = [np.bincount(block[among & hit], minlength=blocks) for hit in hits]
        totals = np.bincount(block[among], minlength=blocks)
        shape = (blocks, len(counted))
        return cls(
            hits=np.stack(counted, axis=1).astype(np.float64) if counted else np.zeros(shape),
            totals=np.broadcast_to(totals[:, None].astype(np.float64), shape),
        )

    @classmethod
    def side_by_side(cls, kinds: Sequence["Counts"]) -> "Counts":
        """The kinds of several counts over the same blocks."""
        return cls(
            hits=np.concatenate([counts.hits for counts in kinds], axis=1),
            totals=np.concatenate([counts.totals for counts in kinds], axis=1),
        )

    @classmethod
    def pooled(cls, books: Sequence["Counts"]) -> "Counts":
        """The same kinds over the blocks of all books."""
        return cls(
            hits=np.concatenate([counts.hits for counts in books]),
            totals=np.concatenate([counts.totals for counts in books]),
        )

    def rates(self) -> np.ndarray:
        """float64 [K]; NaN where there is nothing to take a share of."""
        return _ratio(self.hits.sum(axis=0), self.totals.sum(axis=0))

    def resampled(self, *, seed: int = 0) -> np.ndarray:
        """float64 [REPLICATES, K]: the rates of books made of as many blocks, drawn with replacement.

        With too few blocks, all NaN.
        """
        count = len(self.hits)
        if count < FEWEST_BLOCKS:
            return np.full((REPLICATES, self.hits.shape[1]), np.nan)
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), REPLICATES)
        return _ratio(drawn @ self.hits, drawn @ self.totals)


def intervals(replicates: np.ndarray) -> list[Interval | None]:
    """The percentile interval of each column of [REPLICATES, K].

    None where a replicate has no value, and where all are the same: blocks that are all alike, such as those of a rate
    of 0, say nothing of how far others would be off.
    """
    tail = (1 - LEVEL) / 2
    bounds = np.quantile(replicates, [tail, 1 - tail], axis=0, method="inverted_cdf")  # NaN if any is
    return [(float(low), float(high)) if high - low > _ROUNDING else None for low, high in bounds.T]


def effective_samples(rates: np.ndarray, replicates: np.ndarray) -> list[float | None]:
    """How many independent windows would leave a rate as uncertain as the bootstrap finds it.

    rate (1 - rate) / variance, which is the sample divided by Kish's design effect; None where nothing varies.
    """
    variances = replicates.var(axis=0)
    return [
        float(rate * (1 - rate) / variance) if variance > (_ROUNDING * rate) ** 2 else None
        for rate, variance in zip(rates, variances, strict=True)
    ]


def non_overlapping(windows: Windows) -> np.ndarray:
    """The indices of windows of which no two share a character: the first, and always the next that is clear."""
    kept, clear = [], -1
    for index, (start, stop) in enumerate(zip(windows.start.tolist(), windows.stop.tolist(), strict=True)):
        if start >= clear:
            kept.append(index)
            clear = stop
    return np.array(kept, np.int64)


def wilson(hits: int, total: int) -> Interval | None:
    """Wilson's score interval of a share of independent observations; None of none.

    Windows that share no character are not quite independent either: it is what could be said if they were.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.
    """
    if not total:
        return None
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, shrink = hits / total, 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / shrink
    reach = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / shrink
    return (max(middle - reach, 0.0) if hits else 0.0, min(middle + reach, 1.0) if hits < total else 1.0)


def _ratio(hits: np.ndarray, totals: np.ndarray) -> np.ndarray:
    return np.divide(hits, totals, out=np.full(hits.shape, np.nan), where=totals > 0)
