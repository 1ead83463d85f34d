"""Paired differences: two models on the same blocks of a text.

Both models meet the same words, so their shares rise and fall together from block to block, and only the differences
d_b within blocks b tell them apart. If the two models were alike, their names could be exchanged within any block, and
each d_b would as well have had the other sign. So

    p = the share of the patterns e of signs, among all or among 10,000, with |sum e_b d_b| >= |sum d_b|

however the blocks lie and whatever their shares are: this is exact. An interval needs more: a t interval holds its 95%
from a hundred blocks on, a bootstrap of 10 to 40 blocks does not.
"""

import dataclasses

import numpy as np

from byheart.measures.student import compute_t_quantile
from byheart.measures.uncertainty import LEVEL
from byheart.measures.units import Interval

LEAST_BLOCKS = 100
"""From so many blocks on there is an interval."""
PATTERNS = 10_000
"""The patterns of signs that are drawn, the observed one included; where there are no more in all, all are taken."""
_ROUNDING = 1e-9
"""Sums of scores that differ by less, relative to what they sum, are equal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The first model's rate minus the second's, over the same blocks."""

    value: float
    """The difference of the rates."""
    p: float
    """The p-value of the sign-flip test."""
    least_p: float
    """The smallest p-value that so many blocks allow: 2 / 2^m for m blocks that differ; 1 if none does."""
    blocks: int
    """The blocks that hold observations."""
    interval: Interval | None
    """The 95% interval for other texts made of such blocks; None with fewer than 100 blocks."""


def measure_difference(first: np.ndarray, second: np.ndarray, totals: np.ndarray) -> PairedDifference | None:
    """The difference of two ratios of sums over B blocks; None if nothing was observed.

    Args:
        first, second: float64 [B], hits or sums of scores of each model in each block.
        totals: float64 [B], the observations in each block, equally many of both models.
    """
    present = totals > 0
    differences, totals = (first - second)[present], totals[present]
    if not len(totals):
        return None
    p, least_p = flip_signs(differences)
    value = float(differences.sum() / totals.sum())
    return PairedDifference(
        value=value,
        p=p,
        least_p=least_p,
        blocks=len(totals),
        interval=_compute_interval(differences, totals, value) if len(totals) >= LEAST_BLOCKS else None,
    )


def flip_signs(differences: np.ndarray) -> tuple[float, float]:
    """The p-value of the sign-flip test over blocks, and the smallest that it could be.

    Args:
        differences: float64 [B].
    """
    moving = differences[differences != 0]
    if not len(moving):
        return 1.0, 1.0
    least = float(np.abs(moving.sum())) - _ROUNDING * float(np.abs(moving).sum())
    if 2 ** len(moving) <= PATTERNS:
        bits = np.arange(2 ** len(moving))[:, None] >> np.arange(len(moving))
        signs = (bits & 1) * 2.0 - 1.0
        return float(np.mean(np.abs(signs @ moving) >= least)), 2.0 ** (1 - len(moving))
    random = np.random.default_rng(0)
    reached = 1  # the observed pattern
    for count in _split(PATTERNS - 1, max(10_000_000 // len(moving), 1)):
        signs = random.integers(0, 2, (count, len(moving)), dtype=np.int8) * 2.0 - 1.0
        reached += int((np.abs(signs @ moving) >= least).sum())
    return reached / PATTERNS, 1 / PATTERNS


def _split(total: int, most: int) -> list[int]:
    """`total` as numbers of at most `most`."""
    return [min(most, total - done) for done in range(0, total, most)]


def _compute_interval(differences: np.ndarray, totals: np.ndarray, value: float) -> Interval:
    """Student's t interval with the standard error of a ratio of sums (Cochran 1977, section 2.11)."""
    blocks = len(totals)
    residuals = differences - value * totals
    error = float(np.sqrt(blocks / (blocks - 1) * (residuals**2).sum()) / totals.sum())
    reach = compute_t_quantile(LEVEL, blocks - 1) * error
    return value - reach, value + reach
