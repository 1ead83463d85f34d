"""(n, p)-discoverable extraction: how many tries draw a suffix at least once with probability p.

Source: Hayes et al. 2024, arXiv 2410.19482: z is (n, p)-discoverable if 1 - (1 - p_z)^n >= p. This module computes with
logarithms, because p_z may be as small as 10^-300 and n as large as 2^60.
"""

import math

import numpy as np

THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.75)
"""The p_z at which rates are reported; source: Cooper et al. 2025, arXiv 2505.12546."""
STEPS = (0.001, 0.01, 0.1, 0.5)
"""The p_z at which the colours of pages and maps begin; below the first, text has the colour of the page."""
HEADLINE_THRESHOLD = 0.5
NEAR_HALF = (0.45, 0.55)
"""Thresholds on both sides of the headline's: whether a share at 0.5 stands on a cliff."""
P = (0.1, 0.5, 0.9, 0.99, 0.999)
N = tuple(2**exponent for exponent in range(61))
CHAPTER_N = (1, 10, 100, 1_000)
"""The tries at which the rates of chapters are reported, where `N` would fill a table."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
"""The reported quantiles of the tries that windows need."""
EVIDENCE_FLOOR = 0.001
"""The p_z below which unrelated text reaches a threshold too; source: Cooper et al. 2025, arXiv 2505.12546."""


def tau(n: int, p: float) -> float:
    """The smallest log_p_z, in nats, of an (n, p)-discoverable window."""
    return math.log(p) if n == 1 else math.log(-math.expm1(math.log1p(-p) / n))


def is_below_floor(n: int, p: float) -> bool:
    """Whether windows below the evidence floor are (n, p)-discoverable: such a rate does not show memorisation."""
    return tau(n, p) < math.log(EVIDENCE_FLOOR)


def compute_log10_n_needed(log_p_z: np.ndarray, p: float) -> np.ndarray:
    """log10 of the smallest real n >= 1 at which each window is (n, p)-discoverable; inf where p_z is 0.

    n = log(1 - p) / log(1 - p_z). Below p_z = 10^-16, log(1 - p_z) equals -p_z in float64.

    Args:
        log_p_z: float64, at most 0, any shape.
    """
    log_p_z = np.asarray(log_p_z, np.float64)
    with np.errstate(divide="ignore"):
        log_rate = np.where(log_p_z < -37, log_p_z, np.log(-np.log1p(-np.exp(log_p_z))))
    return np.maximum((math.log(-math.log1p(-p)) - log_rate) / math.log(10), 0.0)
