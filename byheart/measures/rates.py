"""Every rate of a book, counted block by block, so that one bootstrap serves them all and books can be pooled."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.discoverable import N, P, tau
from byheart.measures.measured import COVERAGES, Measured, Scheme
from byheart.measures.uncertainty import Blocks, Counts, Interval, effective_samples, intervals

THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.75)
"""Values of p_z; source: Cooper et al. 2025, arXiv 2505.12546."""

Kind = tuple[str, float] | tuple[str, float, int]
WINDOWS = "windows"
DISCOVERABLE = "discoverable"
GREEDY: Kind = ("greedy", 0)

KINDS: tuple[Kind, ...] = (
    GREEDY,
    *((WINDOWS, threshold) for threshold in THRESHOLDS),
    *((DISCOVERABLE, p, n) for p in P for n in N),
    *((coverage, threshold) for coverage in COVERAGES for threshold in THRESHOLDS),
)
"""What is counted: shares of windows, and under each coverage shares of measurable characters."""


def count(measured: Measured, scheme: Scheme, blocks: Blocks) -> Counts:
    """The counts of `KINDS` in each block; a window lies in the block where its suffix begins."""
    levels = [math.log(threshold) for threshold in THRESHOLDS]
    needed = [*levels, *(tau(n, p) for p in P for n in N)]
    windows = Counts.of(
        [measured.scores.greedy, *(scheme.log_p_z >= level for level in needed)],
        among=np.ones(len(measured.windows), bool),
        block=blocks.of(measured.windows.suffix_start),
        blocks=len(blocks),
    )
    characters = blocks.of(np.arange(len(measured.book.text)))
    covered = [
        Counts.of(
            [scheme.maps[coverage].reaches(level) for level in levels],
            among=scheme.maps[coverage].measurable,
            block=characters,
            blocks=len(blocks),
        )
        for coverage in COVERAGES
    ]
    return Counts.side_by_side([windows, *covered])


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rates:
    """The rates of `KINDS`, of one book or of several together."""

    values: np.ndarray
    """float64 [K], NaN where there is nothing to take a share of."""
    bounds: list[Interval | None]
    effective: list[float | None]

    @classmethod
    def of(cls, counts: Counts) -> "Rates":
        """The rates over all blocks, each block with the weight of what it holds."""
        values, replicates = counts.rates(), counts.resampled()
        return cls(values=values, bounds=intervals(replicates), effective=effective_samples(values, replicates))

    @classmethod
    def mean(cls, books: Sequence[Counts]) -> "Rates":
        """The mean of the books' rates, each book with the same weight; books without a value are left out."""
        each = np.array([counts.rates() for counts in books])
        held = ~np.isnan(each)
        # Books are resampled apart from each other: the same seed would make short books move together.
        drawn = np.array([counts.resampled(seed=number) for number, counts in enumerate(books)])
        count = held.sum(axis=0)
        values = np.divide(np.where(held, each, 0).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
        replicates = np.where(held[:, None], drawn, 0).sum(axis=0) / np.maximum(count, 1)
        return cls(values=values, bounds=intervals(replicates), effective=effective_samples(values, replicates))

    def rate(self, *kind: float | str) -> float | None:
        """The rate of a kind, None if it has none."""
        value = float(self.values[_PLACE[kind]])
        return None if math.isnan(value) else value

    def interval(self, *kind: float | str) -> Interval | None:
        """Its 95% interval, None if there are too few blocks."""
        return self.bounds[_PLACE[kind]]

    def effective_sample(self, *kind: float | str) -> float | None:
        """How many independent observations it is worth, None where nothing varies."""
        return self.effective[_PLACE[kind]]


_PLACE: dict[tuple[float | str, ...], int] = {kind: place for place, kind in enumerate(KINDS)}
