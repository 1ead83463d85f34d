"""The numbers that follow from one of the two p_z of a book's windows: a part of its statistics."""

import dataclasses

from byheart.measures.passages import Passage
from byheart.measures.schemes import Coverages
from byheart.measures.units import (
    PZ,
    BootstrapInterval,
    ByP,
    ByQuantile,
    ByThreshold,
    Characters,
    ControlShare,
    IndependentWindows,
    Interval,
    Log10Tries,
    PassageCount,
    Share,
    Tries,
    WindowCount,
    WordCount,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Portion:
    """So many windows of so many."""

    count: WindowCount
    """How many."""
    of: WindowCount
    """Of how many."""
    share: Share | None
    """Their ratio; null of none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NonOverlapping(Portion):
    """So many of the windows of which no two share a character."""

    interval: Interval | None
    """Wilson's 95% interval, as if they were independent; null of none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowsAt:
    """The windows at or above one threshold of p_z."""

    count: WindowCount
    """How many."""
    share: Share | None
    """Of all windows; null where there are none."""
    interval: BootstrapInterval | None
    effective_sample: IndependentWindows | None
    """How many independent windows would be as uncertain: share (1 - share) / bootstrap variance; null where nothing \
varies."""
    non_overlapping: NonOverlapping
    """The same over windows of which no two share a character."""
    not_repetitive: Portion
    """The same over the windows that are not flagged as repetitive."""
    control: ControlShare | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoverageAt:
    """What is covered at or above one threshold of p_z."""

    characters: Characters
    """Characters whose map value reaches the threshold."""
    share_of_measurable: Share | None
    """Of the characters that can be measured."""
    interval: BootstrapInterval | None
    share_of_all: Share | None
    """Of all characters that were asked for."""
    words: WordCount
    """Words of which every character reaches it."""
    share_of_measurable_words: Share | None
    """Of the words of which every character can be measured."""
    share_of_all_words: Share | None
    """Of all words that were asked for."""
    control: ControlShare | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoverageTables(Coverages[ByThreshold[CoverageAt]]):
    """What is covered, by what covers a character, then by threshold of p_z."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PassagesAt:
    """The passages at one threshold; passages.csv lists them all."""

    count: PassageCount
    """How many."""
    characters: Characters
    """In all of them together."""
    longest: Passage | None
    """The longest, the first of equals; null where there are none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """Rates at one p, for each n of `n`."""

    rate: list[Share | None]
    """Share of windows that are (n, p)-discoverable."""
    interval_low: list[Share | None]
    """Low ends of their 95% intervals."""
    interval_high: list[Share | None]
    """High ends of them."""
    below_evidence_floor: list[bool]
    """Whether windows below the evidence floor count at this n and p: then the rate is no evidence of memory."""
    control: list[Share | None] | None
    """The same rates over the control books; null where there are none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtractionRates:
    """(n, p)-discoverable extraction, Hayes et al. 2024."""

    n: list[Tries]
    """Tries at each window: powers of two up to 2^60."""
    evidence_floor: PZ
    """The p_z below which unrelated text begins to qualify."""
    at: ByP[Curve]
    """By p, the probability that n tries give a window at least once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchemeStatistics:
    """Everything that follows from one of the two p_z of a window."""

    windows_at: ByThreshold[WindowsAt]
    """The windows, by threshold of p_z."""
    coverage_at: CoverageTables
    """The characters, by what covers them."""
    passages_at: ByThreshold[PassagesAt]
    """The passages of characters covered as suffix, by threshold of p_z."""
    extraction_rates: ExtractionRates
    """The share of windows that n tries would yield."""
    log10_n_needed: ByP[ByQuantile[Log10Tries | None]]
    """By p, the tries that a window needs, as quantiles over windows: at 0.25, a quarter of the windows need so many \
or fewer; null where infinite, or where there is no window."""
