"""Student's t distribution with a whole number of degrees of freedom."""

import functools
import math

import numpy as np


def compute_t_probability(t: float, degrees: int) -> float:
    """The probability that Student's t lies between -t and t.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4, which are finite sums.
    """
    angle = math.atan(t / math.sqrt(degrees))
    cos2 = math.cos(angle) ** 2
    steps = np.arange(1, (degrees - degrees % 2) // 2, dtype=np.float64)
    if degrees % 2 == 0:
        terms = np.cumprod(np.append(1.0, (2 * steps - 1) / (2 * steps) * cos2))
        return math.sin(angle) * float(terms.sum())
    terms = np.cumprod(np.append(1.0, 2 * steps / (2 * steps + 1) * cos2))
    series = math.sin(angle) * math.cos(angle) * float(terms.sum()) if degrees > 1 else 0.0
    return 2 / math.pi * (angle + series)


@functools.cache
def compute_t_quantile(level: float, degrees: int) -> float:
    """The t for which Student's t lies between -t and t with probability `level`.

    Args:
        level: above 0 and at most 0.999.
    """
    low, high = 0.0, 1_000.0  # with one degree of freedom, 0.999 lies at 637
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if compute_t_probability(middle, degrees) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2
