"""The uncertainty of a rate: counts by block, and the interval for other books made of such blocks.

Of the measured book a rate is exact: it counts all windows, or all characters. The interval says how much the rate
would vary over other books made of such blocks.
"""

import dataclasses
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from byheart.measures.student import compute_t_quantile
from byheart.measures.units import Interval, NoInterval

LEVEL = 0.95
LEAST_BLOCKS = 5
"""With so many active blocks, of hits and of misses, the variance between blocks can be trusted."""
_MISSED = math.log(2 / (1 - LEVEL))
"""How unlikely the observed rate may be, in nats, at each end of the interval: ln 40."""
_ROUNDING = 1e-12
"""The relative rounding error of a standard error where all blocks have the same rate."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """Hits and totals of K rates in each of B blocks: a rate is the ratio of their sums over blocks."""

    hits: np.ndarray
    """float64 [B, K]: how many observations are hits."""
    totals: np.ndarray
    """float64 [B, K]: how many observations there are."""
    stretches: np.ndarray
    """float64 [K]: how many stretches the hits make; NaN for thresholds below the evidence floor."""

    @classmethod
    def count(
        cls,
        hits: Sequence[np.ndarray],
        among: np.ndarray,
        block: np.ndarray,
        blocks: int,
        stretches: Sequence[float] | np.ndarray,
    ) -> "Counts":
        """The hits and totals of observations, by block.

        Args:
            hits: K bool arrays, whether each observation is a hit of each rate.
            among: bool, whether each observation counts.
            block: int, the block of each observation.
            blocks: how many blocks there are.
            stretches: K numbers, how many stretches the hits make.
        """
        counted = [np.bincount(block[among & hit], minlength=blocks) for hit in hits]
        totals = np.bincount(block[among], minlength=blocks)
        shape = (blocks, len(counted))
        return cls(
            hits=np.stack(counted, axis=1).astype(np.float64) if counted else np.zeros(shape),
            totals=np.broadcast_to(totals[:, None].astype(np.float64), shape),
            stretches=np.asarray(stretches, np.float64),
        )

    @classmethod
    def join_rates(cls, counts: Sequence["Counts"]) -> "Counts":
        """Several counts over the same blocks, joined along K."""
        return cls(
            hits=np.concatenate([part.hits for part in counts], axis=1),
            totals=np.concatenate([part.totals for part in counts], axis=1),
            stretches=np.concatenate([part.stretches for part in counts]),
        )

    @classmethod
    def pool(cls, books: Sequence["Counts"]) -> "Counts":
        """The counts of several books, joined along B."""
        return cls(
            hits=np.concatenate([counts.hits for counts in books]),
            totals=np.concatenate([counts.totals for counts in books]),
            stretches=np.sum([counts.stretches for counts in books], axis=0),
        )

    @classmethod
    def average(cls, books: Sequence["Counts"]) -> "Counts":
        """The rates of several books, each book as a block with a single observation; those without a rate are empty.

        Books are independent however their stretches lie, so a book's stretch counts as often as any other's.
        """
        rates = np.array([counts.compute_rates() for counts in books])
        has_rate = ~np.isnan(rates)
        below_floor = np.isnan([counts.stretches for counts in books]).any(axis=0)
        return cls(
            hits=np.where(has_rate, rates, 0),
            totals=has_rate.astype(np.float64),
            stretches=np.where(below_floor, np.nan, np.inf),
        )

    def compute_rates(self) -> np.ndarray:
        """float64 [K]; NaN where the total is 0."""
        hits, totals = self.hits.sum(axis=0), self.totals.sum(axis=0)
        return np.divide(hits, totals, out=np.full(hits.shape, np.nan), where=totals > 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uncertain:
    """The uncertainty of a rate."""

    interval: Interval | None
    no_interval: NoInterval | None
    """Why there is no interval; None if there is one."""
    effective_sample: float | None
    """How many independent observations are as uncertain; None without an interval."""


def measure_uncertainty(counts: Counts) -> list[Uncertain]:
    """The interval of each of K rates for other books made of such blocks, or why there is none.

    With n observations in a block, h of them hits, at least five blocks that are active in hits and five in misses,
    (sum h)^2 / sum h^2 >= 5, it is Wilson's interval with Student's t on B - 1 degrees of freedom for the normal
    quantile and p (1 - p) / se^2 for the sample size; se is the standard error of the ratio of sums (Cochran 1977,
    section 2.11). Otherwise it is {q: m KL(p, q) <= ln 40} with m = sum n / max n, which any independent blocks allow
    (Hoeffding 1963, theorem 1, inequality 2.1: https://doi.org/10.1080/01621459.1963.10500830). It is wide.
    """
    hits, totals, stretches = counts.hits, counts.totals, counts.stretches
    rates, blocks, observations = counts.compute_rates(), (totals > 0).sum(axis=0), totals.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        residuals = ((hits - rates * totals) ** 2).sum(axis=0)
        errors = np.sqrt(blocks / (blocks - 1) * residuals) / observations
        sizes = np.where(blocks > 1, rates * (1 - rates) / errors**2, np.nan)
        independent = observations / totals.max(axis=0, initial=0)
    has_many = independent * np.minimum(rates, 1 - rates) >= LEAST_BLOCKS
    trusted = has_many & (errors > _ROUNDING * rates)
    lows, highs = _invert_divergence(rates, _MISSED / independent)

    def describe(k: int) -> Uncertain:
        if why := _find_obstacle(int(blocks[k]), float(stretches[k])):
            return Uncertain(interval=None, no_interval=why, effective_sample=None)
        if trusted[k]:
            interval = _compute_score_interval(rates[k], sizes[k], compute_t_quantile(LEVEL, int(blocks[k]) - 1))
            return Uncertain(interval=interval, no_interval=None, effective_sample=float(sizes[k]))
        interval = (float(lows[k]), float(highs[k]))
        return Uncertain(interval=interval, no_interval=None, effective_sample=float(independent[k]))

    return [describe(k) for k in range(len(rates))]


def _find_obstacle(blocks: int, stretches: float) -> NoInterval | None:
    if not blocks:
        return NoInterval.NOTHING
    if math.isnan(stretches):
        return NoInterval.BELOW_FLOOR
    if blocks == 1:
        return NoInterval.FEW_BLOCKS
    return NoInterval.FEW_STRETCHES if 0 < stretches <= 2 else None


def _invert_divergence(rates: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest q for which the Kullback-Leibler divergence of (rate, 1 - rate) from (q, 1 - q) is at
    most `most` nats, by bisection; all arrays float64 [K]."""

    def diverge(q: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            hit = np.where(rates > 0, rates * np.log(rates / q), 0)
            miss = np.where(rates < 1, (1 - rates) * np.log((1 - rates) / (1 - q)), 0)
        return hit + miss

    def bisect(outside: float) -> np.ndarray:
        inner, outer = rates.copy(), np.full_like(rates, outside)
        for _ in range(60):
            middle = (inner + outer) / 2
            is_inside = diverge(middle) <= most
            inner, outer = np.where(is_inside, middle, inner), np.where(is_inside, outer, middle)
        return inner

    return bisect(0.0), bisect(1.0)


def select_non_overlapping(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """The indices of windows that share no characters: the first, and each next window that begins after it stops."""
    kept, last_stop = [], -1
    for index, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
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
    return _compute_score_interval(hits / total, total, NormalDist().inv_cdf((1 + LEVEL) / 2))


def _compute_score_interval(share: float, total: float, z: float) -> Interval:
    shrink = 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / shrink
    reach = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / shrink
    return (
        float(max(middle - reach, 0.0)) if share > 0 else 0.0,
        float(min(middle + reach, 1.0)) if share < 1 else 1.0,
    )
