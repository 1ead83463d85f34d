"""(n, p)-discoverable extraction: how many tries it takes to draw a suffix at least once with probability p.

Source: Hayes et al. 2024, arXiv 2410.19482: z is (n, p)-discoverable if 1 - (1 - p_z)^n >= p. Everything here is in
logarithms: p_z may be 10^-300 and n 2^60.
"""

import math

import numpy as np

THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.75)
"""Values of p_z; source: Cooper et al. 2025, arXiv 2505.12546."""
HEADLINE_THRESHOLD = 0.5
P = (0.1, 0.5, 0.9, 0.99, 0.999)
N = tuple(2**exponent for exponent in range(61))
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
"""Of the tries that a book's windows need."""
EVIDENCE_FLOOR = 0.001
"""The p_z below which unrelated text begins to qualify; source: Cooper et al. 2025, arXiv 2505.12546."""


def tau(n: int, p: float) -> float:
    """The log_p_z from which on up a window is (n, p)-discoverable, nats."""
    return math.log(p) if n == 1 else math.log(-math.expm1(math.log1p(-p) / n))


def below_floor(n: int, p: float) -> bool:
    """Whether windows below the evidence floor count as (n, p)-discoverable: then the rate is no evidence of memory."""
    return tau(n, p) < math.log(EVIDENCE_FLOOR)


def log10_n_needed(log_p_z: np.ndarray, p: float) -> np.ndarray:
    """log10 of the smallest real n >= 1 for which each window is (n, p)-discoverable; inf where p_z is 0.

    n = log(1 - p) / log(1 - p_z). Below p_z = 10^-16, log(1 - p_z) is -p_z to the last bit.

    Args:
        log_p_z: float64, at most 0, any shape.
    """
    log_p_z = np.asarray(log_p_z, np.float64)
    with np.errstate(divide="ignore"):
        log_rate = np.where(log_p_z < -37, log_p_z, np.log(-np.log1p(-np.exp(log_p_z))))
    return np.maximum((math.log(-math.log1p(-p)) - log_rate) / math.log(10), 0.0)
