"""Two models on one text, against each other."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from byheart.measures.blocks import Blocks, choose_block_length, cut_characters, find_stretches
from byheart.measures.comparison.overlap import Overlap
from byheart.measures.comparison.paired import PairedDifference, measure_difference
from byheart.measures.comparison.scored_text import LEVELS, Level, ScoredText, find_common_windows, is_on_grid
from byheart.measures.discoverable import THRESHOLDS

DELTA_QUANTILES = (0.1, 0.5, 0.9)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairAtLevel:
    """Two models at one level."""

    level: Level
    coverage: PairedDifference | None
    """Of the shares of characters; None without the same windows."""
    windows: PairedDifference | None
    """Of the shares of windows; None without the same windows."""
    overlap: Overlap
    """Of the characters that reach the level."""

    @property
    def difference(self) -> float | None:
        """The first model's share of the characters minus the second's; None where none has a value under both."""
        if not self.overlap.among:
            return None
        return (self.overlap.first_only - self.overlap.second_only) / self.overlap.among


@dataclasses.dataclass(frozen=True, kw_only=True)
class Delta:
    """delta = log_p_z of the first model minus that of the second, window by window."""

    quantiles: dict[float, float]
    """Nats, by share: order statistics over the paired windows."""

    @classmethod
    def from_windows(cls, first: np.ndarray, second: np.ndarray) -> "Delta":
        """The delta of W paired windows, at least one."""
        values = np.quantile(first - second, DELTA_QUANTILES, method="inverted_cdf")
        return cls(quantiles=dict(zip(DELTA_QUANTILES, values.tolist(), strict=True)))

    @property
    def median(self) -> float:
        """The median."""
        return self.quantiles[0.5]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paired:
    """How many windows two models have in common."""

    windows: int
    of: int
    """How many windows the model with more of them has."""

    @property
    def share(self) -> float | None:
        """The share that is compared; None without windows."""
        return self.windows / self.of if self.of else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models on one text. The first is the one that was named later: people name small models first."""

    first: str
    second: str
    has_same_windows: bool
    """Whether the two have windows of the text in common that may be compared: if not, nothing is tested."""
    paired: Paired
    """Of these windows. What is on a grid of characters is compared by them alone."""
    blocks: str
    """What a block is, in words."""
    at: tuple[PairAtLevel, ...]
    """By level, those that both have."""
    bits: PairedDifference | None
    """Of bits per character: negative where the first needs fewer. None without the same windows."""
    delta: Delta | None
    """None without the same windows."""


def compare_pair(
    first: tuple[str, ScoredText], second: tuple[str, ScoredText], characters: int, chapters: Sequence[int]
) -> Pair:
    """Two models on a text, each by its name: at every level that both have.

    Args:
        characters: of the text.
        chapters: where its chapters begin.
    """
    (name, own), (other_name, other) = first, second
    blocks = _cut_both(own, other, characters, chapters)
    is_grid = is_on_grid(own.statistics) and is_on_grid(other.statistics)
    rows, of = find_common_windows(own.spans, other.spans, is_grid=is_grid), max(len(own.spans), len(other.spans))
    same = rows is not None
    if rows and is_grid and min(map(len, rows)) < of:
        own, other = own.keep(rows[0]), other.keep(rows[1])
    levels = [level for level in LEVELS if all(text.find_reaching(level) is not None for text in (own, other))]
    return Pair(
        first=name,
        second=other_name,
        has_same_windows=same,
        paired=Paired(windows=len(rows[0]) if rows else 0, of=of),
        blocks=blocks.unit,
        at=tuple(_compare_at(level, own, other, blocks, is_tested=same) for level in levels),
        bits=_compare_bits(own, other, blocks) if same else None,
        delta=Delta.from_windows(own.spans.log_p_z, other.spans.log_p_z) if rows and len(rows[0]) else None,
    )


def _cut_both(first: ScoredText, second: ScoredText, characters: int, chapters: Sequence[int]) -> Blocks:
    """Blocks twice as long as the stretches that either model knows: exchanging their names does not move them."""
    lowest = math.log(min(THRESHOLDS))
    lengths = [
        choose_block_length(find_stretches(text.spans.log_p_z >= lowest, text.spans, text.selected))
        for text in (first, second)
    ]
    return cut_characters(characters, chapters, first.selected, max(lengths))


def _compare_at(level: Level, first: ScoredText, second: ScoredText, blocks: Blocks, *, is_tested: bool) -> PairAtLevel:
    def take(find: Callable[[ScoredText, Level], np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        values = find(first, level), find(second, level)
        assert values[0] is not None
        assert values[1] is not None
        return values[0], values[1]

    reaching, measurable = take(ScoredText.find_reaching), take(ScoredText.find_measurable)
    among = measurable[0] & measurable[1]
    coverage = windows = None
    if is_tested:
        characters = blocks.find(np.flatnonzero(among))
        coverage = _measure([mask[among] for mask in reaching], among[among], characters, blocks)
        counted = np.ones(len(first.spans), bool) if level.threshold is not None else ~first.spans.repetitive
        hits, positions = take(ScoredText.find_windows_reaching), blocks.find(first.spans.suffix_start)
        windows = _measure(hits, counted, positions, blocks)
    return PairAtLevel(level=level, coverage=coverage, windows=windows, overlap=Overlap.count(*reaching, among=among))


def _compare_bits(first: ScoredText, second: ScoredText, blocks: Blocks) -> PairedDifference | None:
    spans = first.spans
    bits = [-text.spans.log_p_z / math.log(2) for text in (first, second)]
    return _measure(bits, spans.stop - spans.suffix_start, blocks.find(spans.suffix_start), blocks)


def _measure(
    values: Sequence[np.ndarray], totals: np.ndarray, block: np.ndarray, blocks: Blocks
) -> PairedDifference | None:
    """The difference of two ratios of sums.

    Args:
        values, totals: of each observation; `block` is where it lies.
    """
    first, second, observed = (np.bincount(block, each.astype(float), len(blocks)) for each in (*values, totals))
    return measure_difference(first, second, observed)
