"""How far log_p_z moves between two ways to compute it, such as in 32 and in 16 bits."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

BANDS = (0.0, 0.001, 0.9, 1.0)
"""Of p_z, in the exact way: unknown text, what lies between, and text known by heart; the last takes 1 in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moved:
    """How far log_p_z moves, in nats; sizes but for the mean. NaN where there are no windows."""

    windows: int
    median: float
    most: float
    """95% of the windows move less."""
    largest: float
    mean: float
    """Signed."""


def moved(exact: np.ndarray, other: np.ndarray) -> Moved:
    """How far the windows move, log_p_z [W] in both ways."""
    difference = other - exact
    quantiles = np.quantile(np.abs(difference), (0.5, 0.95, 1.0)) if len(difference) else [np.nan] * 3
    median, most, largest = map(float, quantiles)
    mean = float(difference.mean()) if len(difference) else np.nan
    return Moved(windows=len(difference), median=median, most=most, largest=largest, mean=mean)


def moved_by_band(exact: np.ndarray, other: np.ndarray) -> Iterator[tuple[tuple[float, float], Moved]]:
    """The bands of p_z, each with how far its windows move."""
    for low, high in itertools.pairwise(BANDS):
        here = in_band(exact, low, high)
        yield (low, high), moved(exact[here], other[here])


def in_band(log_p_z: np.ndarray, low: float, high: float) -> np.ndarray:
    """Whether p_z lies in a band, bool [W]; one that ends at 1 takes 1 in."""
    p_z = np.exp(log_p_z)
    return (p_z >= low) & (p_z < (high if high < 1 else np.inf))


def crossings(exact: np.ndarray, other: np.ndarray, threshold: float) -> int:
    """Windows whose p_z reaches the threshold in one way and not in the other."""
    return int(((exact >= np.log(threshold)) != (other >= np.log(threshold))).sum())
