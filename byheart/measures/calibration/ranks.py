"""The rank of a book's numbers among those of its controls: exact p-values, whatever depends on what.

If the book is unseen, it is one more draw from where the K controls came, and each order of the K + 1 texts is equally
probable. So the chance that it is among the best r is at most r / (K + 1); ties count against the book.
"""

import dataclasses
import math

import numpy as np

from byheart.measures.calibration.stretches import Comparison, Stretch, count_above
from byheart.measures.discoverable import EVIDENCE_FLOOR, HEADLINE_THRESHOLD
from byheart.measures.units import Bits, Characters, Difference, PValue, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class StretchNumbers:
    """The four numbers by which the stretches are ranked."""

    coverage_at_half: Share | None
    """The share of measurable characters with p_z ≥ 0.5; null where no window is kept."""
    windows_at_floor: Share | None
    """The share of windows with p_z ≥ 0.001; null where no window is kept."""
    longest_at_half: Characters
    """The characters of the longest passage at p_z ≥ 0.5."""
    bits_per_character: Bits | None
    """Bits over characters, summed over the windows; fewer is more memory. Null where no window is kept."""

    @property
    def scores(self) -> tuple[float, ...]:
        """The four numbers with the sign that makes more memory larger; minus infinity where there is none."""
        bits = self.bits_per_character
        known = (self.coverage_at_half, self.windows_at_floor, self.longest_at_half, None if bits is None else -bits)
        return tuple(-math.inf if value is None else float(value) for value in known)


NAMES = tuple(field.name for field in dataclasses.fields(StretchNumbers))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rank:
    """One number of the book among the same number of the K controls."""

    p: PValue
    """(1 + how many controls have at least as much) / (K + 1). It is one of four: claim `p_all`."""
    controls_at_least_as_high: int
    """How many controls have at least as much as the book."""
    excess: Difference | None
    """The book's number minus the mean of the controls'; of bits, how many fewer. Null where a number is null."""
    excess_at_least: Difference | None
    """The book's number minus the largest of the controls': with confidence K / (K + 1), at least so much more than \
the same book unseen."""
    excess_at_most: Difference | None
    """The book's number minus the smallest of the controls': with `excess_at_least` an interval, with confidence \
(K - 1) / (K + 1)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranks:
    """The book's rank in each of the four numbers of its stretch."""

    coverage_at_half: Rank
    """In the share of measurable characters with p_z ≥ 0.5."""
    windows_at_floor: Rank
    """In the share of windows with p_z ≥ 0.001."""
    longest_at_half: Rank
    """In the length of the longest passage at p_z ≥ 0.5."""
    bits_per_character: Rank
    """In bits per character, where fewer is more."""


def compute_numbers(stretch: Stretch) -> StretchNumbers:
    """The four numbers of a stretch."""
    # The thresholds themselves count, as in the headline: at or above x is above the next smaller number.
    half, floor = (np.nextafter(math.log(at), -np.inf) for at in (HEADLINE_THRESHOLD, EVIDENCE_FLOOR))
    return StretchNumbers(
        coverage_at_half=compute_share_above(stretch.ranked_characters, half),
        windows_at_floor=compute_share_above(stretch.ranked_windows, floor),
        longest_at_half=stretch.longest,
        bits_per_character=stretch.bits_per_character,
    )


def compute_share_above(ranked: np.ndarray, log_p_z: float) -> float | None:
    """The share of values, sorted from the largest, strictly above a threshold; None if there are no values."""
    return count_above(ranked, log_p_z) / len(ranked) if len(ranked) else None


def compute_ranks(scores: np.ndarray) -> tuple[Ranks, float]:
    """The ranks of the first of K + 1 texts, and p_all.

    p_all corrects for the choice among the four. A text is as extreme as its ranks, best first: the texts are ordered
    by their best rank, among equals by the second best, and so on. p_all is the share of the K + 1 texts that are at
    least as extreme as the book. Any order that treats all texts alike gives an exact p-value.

    Args:
        scores: float64 [K + 1, 4], the book's in the first row; more memory is larger.
    """
    at_least = (scores[None] >= scores[:, None]).sum(axis=1)  # [text, number]: how many texts have as much or more
    extremes = [tuple(ranks) for ranks in np.sort(at_least, axis=1).tolist()]
    ranks = {name: _rank(scores[:, column], int(at_least[0, column])) for column, name in enumerate(NAMES)}
    return Ranks(**ranks), sum(other <= extremes[0] for other in extremes) / len(extremes)


def _rank(scores: np.ndarray, at_least: int) -> Rank:
    book, controls = float(scores[0]), scores[1:]
    comparable = len(controls) > 0 and bool(np.isfinite(scores).all())
    return Rank(
        p=at_least / len(scores),
        controls_at_least_as_high=at_least - 1,
        excess=book - float(controls.mean()) if comparable else None,
        excess_at_least=book - float(controls.max()) if comparable else None,
        excess_at_most=book - float(controls.min()) if comparable else None,
    )


def rank_comparison(comparison: Comparison) -> tuple[Ranks, float]:
    """The ranks of the book of a comparison, and p_all."""
    return compute_ranks(np.array([compute_numbers(stretch).scores for stretch in comparison.all]))
