"""The statistics of a book under one of the two schemes of p_z."""

import dataclasses

from byheart.measures.passages import Passage
from byheart.measures.schemes import Coverages
from byheart.measures.units import (
    PZ,
    BlockInterval,
    ByP,
    ByQuantile,
    ByThreshold,
    Characters,
    ControlInterval,
    ControlShare,
    IndependentWindows,
    Interval,
    Log10Tries,
    Obstacle,
    PassageCount,
    Share,
    Tries,
    WindowCount,
    WordCount,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Portion:
    """A count of windows, and its share of a total."""

    count: WindowCount
    """How many windows."""
    of: WindowCount
    """The total."""
    share: Share | None
    """`count` over `of`; null where `of` is 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NonOverlapping(Portion):
    """A count among windows that share no characters."""

    interval: Interval | None
    """Wilson's 95% interval, as if the windows were independent; null where `of` is 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowsAt:
    """The windows at or above one threshold of p_z."""

    count: WindowCount
    """How many windows."""
    share: Share | None
    """Their share of all windows; null where there are no windows."""
    interval: BlockInterval | None
    no_interval: Obstacle | None
    effective_sample: IndependentWindows | None
    """How many independent windows would be as uncertain: share (1 - share) / variance between blocks, or, with fewer \
than five blocks' worth of hits or of misses, the windows over those of the largest block; null without an interval."""
    non_overlapping: NonOverlapping
    """The same, counted among windows that share no characters."""
    not_repetitive: Portion
    """The same, counted among windows that are not repetitive."""
    control: ControlShare | None
    control_interval: ControlInterval | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoverageAt:
    """The characters and words covered at one threshold of p_z."""

    characters: Characters
    """Characters whose map value reaches the threshold."""
    share_of_measurable: Share | None
    """Their share of the measurable characters."""
    interval: BlockInterval | None
    no_interval: Obstacle | None
    share_of_all: Share | None
    """Their share of all selected characters."""
    words: WordCount
    """Words of which every character reaches the threshold."""
    share_of_measurable_words: Share | None
    """Their share of the words of which every character is measurable."""
    share_of_all_words: Share | None
    """Their share of all selected words."""
    control: ControlShare | None
    control_interval: ControlInterval | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoverageTables(Coverages[ByThreshold[CoverageAt]]):
    """The covered characters, by coverage, then by threshold of p_z."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PassagesAt:
    """The passages at one threshold; passages.csv lists them."""

    count: PassageCount
    """How many passages."""
    characters: Characters
    """The characters of all passages together."""
    longest: Passage | None
    """The longest passage, the first if several are equal; null where there are none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """The rates at one p, one for each n of `n`."""

    rate: list[Share | None]
    """The share of windows that are (n, p)-discoverable."""
    interval_low: list[Share | None]
    """The low ends of the 95% intervals; null where there is none, and below the evidence floor."""
    interval_high: list[Share | None]
    """The high ends of the 95% intervals; null where there is none, and below the evidence floor."""
    below_evidence_floor: list[bool]
    """Whether windows below the evidence floor count at this n and p: such a rate does not show memorisation."""
    control: list[Share | None] | None
    """The same rates of the control books; null where there are no control books."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtractionRates:
    """The (n, p)-discoverable extraction rates of Hayes et al. 2024."""

    n: list[Tries]
    """The tries at each window: powers of two up to 2^60."""
    evidence_floor: PZ
    """The p_z below which unrelated text reaches a threshold too."""
    at: ByP[Curve]
    """The rates by p, the probability that n tries draw a window's suffix at least once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchemeStatistics:
    """The statistics under one of the two schemes of p_z."""

    windows_at: ByThreshold[WindowsAt]
    """The windows, by threshold of p_z."""
    coverage_at: CoverageTables
    """The characters, by coverage and threshold of p_z."""
    passages_at: ByThreshold[PassagesAt]
    """The passages under suffix coverage, by threshold of p_z."""
    extraction_rates: ExtractionRates
    """The share of windows whose suffix n tries would draw."""
    log10_n_needed: ByP[ByQuantile[Log10Tries | None]]
    """By p, the tries that a window needs, as quantiles over windows: at 0.25, a quarter of the windows need so many \
or fewer; null where infinite, or where there are no windows."""
