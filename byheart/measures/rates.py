"""Every rate of a book, counted by block, so that a single bootstrap covers all rates and books can be pooled."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.discoverable import THRESHOLDS, N, P, tau
from byheart.measures.measured import MeasuredBook, Scheme
from byheart.measures.schemes import Coverages
from byheart.measures.uncertainty import Blocks, Counts, compute_effective_samples, compute_intervals
from byheart.measures.units import Interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of windows or characters, with its uncertainty."""

    share: float | None
    """None where there are no windows, or no measurable characters."""
    interval: Interval | None
    """The 95% interval; None with too few blocks, or if all blocks are alike."""
    effective_sample: float | None
    """How many independent observations are as uncertain; None where nothing varies."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rates:
    """The rates of a book under one scheme, or of several books joined."""

    greedy: Rate
    """Windows whose suffix greedy decoding would produce."""
    windows_at: dict[float, Rate]
    """Windows at or above each threshold of p_z."""
    discoverable: dict[float, list[Rate]]
    """(n, p)-discoverable windows: by p, a rate for each n of `N`."""
    coverage_at: Coverages[dict[float, Rate]]
    """Measurable characters at or above each threshold."""

    @classmethod
    def from_counts(cls, counts: Counts) -> "Rates":
        """The rates over all blocks together: large blocks weigh more."""
        return cls._from_values(counts.compute_rates(), counts.resample())

    @classmethod
    def average(cls, books: Sequence[Counts]) -> "Rates":
        """The mean of the books' rates: all books weigh the same, and books without a rate are left out."""
        rates = np.array([counts.compute_rates() for counts in books])
        has_rate = ~np.isnan(rates)
        # Each book has its own seed: with the same seed, the replicates of short books would vary together.
        drawn = np.array([counts.resample(seed=number) for number, counts in enumerate(books)])
        count = has_rate.sum(axis=0)
        sums = np.where(has_rate, rates, 0).sum(axis=0)
        values = np.divide(sums, count, out=np.full(len(count), np.nan), where=count > 0)
        return cls._from_values(values, np.where(has_rate[:, None], drawn, 0).sum(axis=0) / np.maximum(count, 1))

    @classmethod
    def _from_values(cls, values: np.ndarray, replicates: np.ndarray) -> "Rates":
        """The rates from one value each, in the order of `count_hits`."""
        rates = (
            Rate(share=None if math.isnan(value) else float(value), interval=interval, effective_sample=effective)
            for value, interval, effective in zip(
                values, compute_intervals(replicates), compute_effective_samples(values, replicates), strict=True
            )
        )

        def take_by_threshold() -> dict[float, Rate]:
            return {threshold: next(rates) for threshold in THRESHOLDS}

        return cls(
            greedy=next(rates),
            windows_at=take_by_threshold(),
            discoverable={p: [next(rates) for _ in N] for p in P},
            coverage_at=Coverages(suffix=take_by_threshold(), window=take_by_threshold()),
        )


def count_hits(measured: MeasuredBook, scheme: Scheme, blocks: Blocks) -> Counts:
    """The hits and totals of every rate, by block; a window belongs to the block where its suffix begins."""
    levels = [math.log(threshold) for threshold in THRESHOLDS]
    all_levels = [*levels, *(tau(n, p) for p in P for n in N)]
    windows = Counts.count(
        [measured.scores.greedy, *(scheme.log_p_z >= level for level in all_levels)],
        among=np.ones(len(measured.windows), bool),
        block=blocks.find(measured.windows.suffix_start),
        blocks=len(blocks),
    )
    character_blocks = blocks.find(np.arange(len(measured.book.text)))
    characters = scheme.maps.map(
        lambda character_map: Counts.count(
            [character_map.reaches(level) for level in levels],
            among=character_map.measurable,
            block=character_blocks,
            blocks=len(blocks),
        )
    )
    return Counts.join_rates([windows, characters.suffix, characters.window])
