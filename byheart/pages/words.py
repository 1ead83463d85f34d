"""Probabilities in words, as js/words.mjs says them in the reader."""

import math

from byheart.measures.figures import show_power

_ALWAYS, _OFTEN = 0.995, 0.095
"""From the first on a suffix comes practically every time; from the second on, in so many of 100 tries."""
_DIGITS = 2
"""Significant digits of a count of tries."""
_POWER = 6
"""From 10^6 on, a count of tries is a power of ten."""


def describe_probability(log_p_z: float) -> str:
    """How often a suffix comes: `practically every time`, `in 36 of 100 tries`, `once in 3,200 tries` or `… 10⁶ …`.

    Args:
        log_p_z: nats.
    """
    if log_p_z == -math.inf:
        return "never"
    p_z = math.exp(log_p_z)
    if p_z >= _ALWAYS:
        return "practically every time"
    if p_z >= _OFTEN:
        return f"in {math.floor(100 * p_z + 0.5)} of 100 tries"
    decades = -log_p_z / math.log(10)
    unit = 10 ** (math.floor(decades) - _DIGITS + 1)
    tries = math.floor(1 / p_z / unit + 0.5) * unit if decades < _POWER else math.inf
    if tries >= 10**_POWER:
        return f"once in {show_power(math.floor(decades + 0.5))} tries"
    return f"once in {tries:,.0f} tries"
