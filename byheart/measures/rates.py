"""Every rate of a book, counted by block, so that it has an interval and books can be pooled."""

import dataclasses
import math

import numpy as np

from byheart.measures.blocks import Blocks, choose_block_length, cut_blocks, find_stretches
from byheart.measures.discoverable import EVIDENCE_FLOOR, THRESHOLDS, N, P, tau
from byheart.measures.measured import MeasuredBook, Scheme
from byheart.measures.schemes import Coverages
from byheart.measures.uncertainty import Counts, Uncertain, measure_uncertainty


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate(Uncertain):
    """A share of windows or characters, with its uncertainty."""

    share: float | None
    """None where there are no windows, or no measurable characters."""


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
        rates = (
            Rate(share=None if math.isnan(value) else float(value), **vars(uncertain))
            for value, uncertain in zip(counts.compute_rates(), measure_uncertainty(counts), strict=True)
        )

        def take_by_threshold() -> dict[float, Rate]:
            return {threshold: next(rates) for threshold in THRESHOLDS}

        return cls(
            greedy=next(rates),
            windows_at=take_by_threshold(),
            discoverable={p: [next(rates) for _ in N] for p in P},
            coverage_at=Coverages(suffix=take_by_threshold(), window=take_by_threshold()),
        )


def cut_book(measured: MeasuredBook) -> Blocks:
    """The blocks of a book, twice as long as what reaches the lowest threshold."""
    lowest = measured.schemes.plain.log_p_z >= math.log(min(THRESHOLDS))
    spans = measured.selection.characters
    return cut_blocks(measured.book, spans, choose_block_length(find_stretches(lowest, measured.windows, spans)))


def count_hits(measured: MeasuredBook, scheme: Scheme, blocks: Blocks) -> Counts:
    """The hits and totals of every rate, by block; a window belongs to the block where its suffix begins."""
    levels = [math.log(threshold) for threshold in THRESHOLDS]
    all_levels = [*levels, *(tau(n, p) for p in P for n in N)]

    def count_stretches(hits: np.ndarray) -> int:
        return len(find_stretches(hits, measured.windows, measured.selection.characters))

    at_thresholds = [count_stretches(scheme.log_p_z >= level) for level in levels]
    at_tries = [
        count_stretches(scheme.log_p_z >= level) if level >= math.log(EVIDENCE_FLOOR) else math.nan
        for level in all_levels[len(levels) :]
    ]
    windows = Counts.count(
        [measured.scores.greedy, *(scheme.log_p_z >= level for level in all_levels)],
        among=np.ones(len(measured.windows), bool),
        block=blocks.find(measured.windows.suffix_start),
        blocks=len(blocks),
        stretches=[count_stretches(measured.scores.greedy), *at_thresholds, *at_tries],
    )
    character_blocks = blocks.find(np.arange(len(measured.book.text)))
    characters = scheme.maps.map(
        lambda character_map: Counts.count(
            [character_map.reaches(level) for level in levels],
            among=character_map.measurable,
            block=character_blocks,
            blocks=len(blocks),
            stretches=at_thresholds,
        )
    )
    return Counts.join_rates([windows, characters.suffix, characters.window])
