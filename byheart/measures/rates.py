"""Every rate of a book, counted block by block, so that one bootstrap serves them all and books can be pooled."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.discoverable import THRESHOLDS, N, P, tau
from byheart.measures.measured import Measured, Scheme
from byheart.measures.schemes import Coverages
from byheart.measures.uncertainty import Blocks, Counts, effective_samples, intervals
from byheart.measures.units import Interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of windows or characters, and how sure it is."""

    share: float | None
    """None where there is nothing to take a share of."""
    interval: Interval | None
    """The 95% interval, None if there are too few blocks."""
    effective_sample: float | None
    """How many independent observations it is worth, None where nothing varies."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rates:
    """The rates of one book under one scheme, or of several books together."""

    greedy: Rate
    """Windows that greedy decoding would give."""
    windows_at: dict[float, Rate]
    """Windows at or above each threshold of p_z."""
    discoverable: dict[float, list[Rate]]
    """(n, p)-discoverable windows: by p, for each n of `N`."""
    coverage_at: Coverages[dict[float, Rate]]
    """Measurable characters at or above each threshold."""

    @classmethod
    def of(cls, counts: Counts) -> "Rates":
        """The rates over all blocks, each block with the weight of what it holds."""
        return cls._from(counts.rates(), counts.resampled())

    @classmethod
    def mean(cls, books: Sequence[Counts]) -> "Rates":
        """The mean of the books' rates, each book with the same weight; books without a value are left out."""
        each = np.array([counts.rates() for counts in books])
        held = ~np.isnan(each)
        # Books are resampled apart from each other: the same seed would make short books move together.
        drawn = np.array([counts.resampled(seed=number) for number, counts in enumerate(books)])
        count = held.sum(axis=0)
        values = np.divide(np.where(held, each, 0).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
        return cls._from(values, np.where(held[:, None], drawn, 0).sum(axis=0) / np.maximum(count, 1))

    @classmethod
    def _from(cls, values: np.ndarray, replicates: np.ndarray) -> "Rates":
        """The rates in the order in which `count` counts them."""
        rates = (
            Rate(share=None if math.isnan(value) else float(value), interval=interval, effective_sample=effective)
            for value, interval, effective in zip(
                values, intervals(replicates), effective_samples(values, replicates), strict=True
            )
        )

        def by_threshold() -> dict[float, Rate]:
            return {threshold: next(rates) for threshold in THRESHOLDS}

        return cls(
            greedy=next(rates),
            windows_at=by_threshold(),
            discoverable={p: [next(rates) for _ in N] for p in P},
            coverage_at=Coverages(suffix=by_threshold(), window=by_threshold()),
        )


def count(measured: Measured, scheme: Scheme, blocks: Blocks) -> Counts:
    """What `Rates` are made of, in each block; a window lies in the block where its suffix begins."""
    levels = [math.log(threshold) for threshold in THRESHOLDS]
    needed = [*levels, *(tau(n, p) for p in P for n in N)]
    windows = Counts.of(
        [measured.scores.greedy, *(scheme.log_p_z >= level for level in needed)],
        among=np.ones(len(measured.windows), bool),
        block=blocks.of(measured.windows.suffix_start),
        blocks=len(blocks),
    )
    characters = blocks.of(np.arange(len(measured.book.text)))
    covered = scheme.maps.map(
        lambda covered: Counts.of(
            [covered.reaches(level) for level in levels],
            among=covered.measurable,
            block=characters,
            blocks=len(blocks),
        )
    )
    return Counts.side_by_side([windows, covered.suffix, covered.window])
