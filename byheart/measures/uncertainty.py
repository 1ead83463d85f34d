"""The uncertainty of a rate: counts by block, the block bootstrap, and the effective sample of overlapping windows.

Windows ten characters apart share almost all their text, so they are not independent observations. Therefore blocks of
the book that do not overlap are resampled (Carlstein 1986, https://doi.org/10.1214/aos/1176350057). The interval says
how much the rate would vary over books made of such blocks.
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
"""With fewer blocks there is no interval. With ten the interval is too short: docs/numbers.md has its coverage."""
REPLICATES = 2_000
LEVEL = 0.95
_ROUNDING = 1e-12
"""The relative rounding error of replicates whose blocks all have the same rate."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blocks:
    """The selected characters of a book, cut into blocks that are treated as independent."""

    starts: np.ndarray
    """int [B], ascending: where each block begins; the first is 0 if the whole book is selected."""
    unit: str
    """What a block is, in words."""

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, positions: np.ndarray) -> np.ndarray:
        """int: the block of each character position. It is meaningless where the character is not selected."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def cut_blocks(book: Book, selected: Sequence[Span] | None = None) -> Blocks:
    """The chapters of a book if there are enough, else runs of 10,000 characters.

    The first block begins with the text before the first chapter; the last run is up to half longer. Only chapters that
    contain selected characters count, and runs are counted in selected characters.

    Args:
        selected: the selected stretches of characters, in order; None selects the whole book.
    """
    spans = [Span(start=0, stop=len(book.text))] if selected is None else selected
    starts, stops = np.array([span.start for span in spans]), np.array([span.stop for span in spans])
    before = np.cumsum(stops - starts) - (stops - starts)
    edges = np.array([0, *(chapter.start for chapter in book.chapters[1:]), len(book.text)])
    has_selected = [
        bool(np.any((starts < stop) & (stops > start))) for start, stop in itertools.pairwise(edges.tolist())
    ]
    if book.chapters and sum(has_selected) >= FEWEST_BLOCKS:
        return Blocks(starts=edges[:-1][has_selected], unit="chapters")
    count = max(round(int((stops - starts).sum()) / BLOCK_CHARACTERS), 1)
    firsts = np.arange(count) * BLOCK_CHARACTERS  # counted in selected characters
    span = np.searchsorted(before, firsts, side="right") - 1
    return Blocks(starts=starts[span] + firsts - before[span], unit=f"runs of {BLOCK_CHARACTERS:,} characters")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """Hits and totals of K rates in each of B blocks: a rate is the ratio of their sums over blocks."""

    hits: np.ndarray
    """float64 [B, K]: how many observations are hits."""
    totals: np.ndarray
    """float64 [B, K]: how many observations there are."""

    @classmethod
    def count(cls, hits: Sequence[np.ndarray], among: np.ndarray, block: np.ndarray, blocks: int) -> "Counts":
        """The hits and totals of observations, by block.

        Args:
            hits: K bool arrays, whether each observation is a hit of each rate.
            among: bool, whether each observation counts.
            block: int, the block of each observation.
            blocks: how many blocks there are.
        """
        counted = [np.bincount(block[among & hit], minlength=blocks) for hit in hits]
        totals = np.bincount(block[among], minlength=blocks)
        shape = (blocks, len(counted))
        return cls(
            hits=np.stack(counted, axis=1).astype(np.float64) if counted else np.zeros(shape),
            totals=np.broadcast_to(totals[:, None].astype(np.float64), shape),
        )

    @classmethod
    def join_rates(cls, counts: Sequence["Counts"]) -> "Counts":
        """Several counts over the same blocks, joined along K."""
        return cls(
            hits=np.concatenate([part.hits for part in counts], axis=1),
            totals=np.concatenate([part.totals for part in counts], axis=1),
        )

    @classmethod
    def pool(cls, books: Sequence["Counts"]) -> "Counts":
        """The counts of several books, joined along B."""
        return cls(
            hits=np.concatenate([counts.hits for counts in books]),
            totals=np.concatenate([counts.totals for counts in books]),
        )

    def compute_rates(self) -> np.ndarray:
        """float64 [K]; NaN where the total is 0."""
        return _divide(self.hits.sum(axis=0), self.totals.sum(axis=0))

    def resample(self, *, seed: int = 0) -> np.ndarray:
        """float64 [REPLICATES, K]: the rates of books made of as many blocks, drawn with replacement.

        With fewer than `FEWEST_BLOCKS` blocks, all are NaN.
        """
        count = len(self.hits)
        if count < FEWEST_BLOCKS:
            return np.full((REPLICATES, self.hits.shape[1]), np.nan)
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), REPLICATES)
        return _divide(drawn @ self.hits, drawn @ self.totals)


def compute_intervals(replicates: np.ndarray) -> list[Interval | None]:
    """The percentile interval of each column of [REPLICATES, K].

    None where a replicate is NaN, and where all replicates are equal: if all blocks are alike, as at a rate of 0, they
    do not show how much other blocks would differ.
    """
    tail = (1 - LEVEL) / 2
    bounds = np.quantile(replicates, [tail, 1 - tail], axis=0, method="inverted_cdf")  # NaN if any replicate is NaN
    return [(float(low), float(high)) if high - low > _ROUNDING else None for low, high in bounds.T]


def compute_effective_samples(rates: np.ndarray, replicates: np.ndarray) -> list[float | None]:
    """How many independent windows would make each rate as uncertain as the bootstrap does.

    It is rate (1 - rate) / variance: the sample size over Kish's design effect. None where nothing varies.
    """
    variances = replicates.var(axis=0)
    return [
        float(rate * (1 - rate) / variance) if variance > (_ROUNDING * rate) ** 2 else None
        for rate, variance in zip(rates, variances, strict=True)
    ]


def select_non_overlapping(windows: Windows) -> np.ndarray:
    """The indices of windows that share no characters: the first, and each next window that begins after it stops."""
    kept, last_stop = [], -1
    for index, (start, stop) in enumerate(zip(windows.start.tolist(), windows.stop.tolist(), strict=True)):
        if start >= last_stop:
            kept.append(index)
            last_stop = stop
    return np.array(kept, np.int64)


def compute_wilson_interval(hits: int, total: int) -> Interval | None:
    """Wilson's score interval of a share of independent observations; None without observations.

    Windows that share no characters are not quite independent either; the interval is computed as if they were.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.
    """
    if not total:
        return None
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, shrink = hits / total, 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / shrink
    reach = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / shrink
    return (max(middle - reach, 0.0) if hits else 0.0, min(middle + reach, 1.0) if hits < total else 1.0)


def _divide(hits: np.ndarray, totals: np.ndarray) -> np.ndarray:
    return np.divide(hits, totals, out=np.full(hits.shape, np.nan), where=totals > 0)
