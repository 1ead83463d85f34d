"""The book beside its controls at several thresholds, from t upwards: excess, and the share that is background.

The fixed thresholds of the headline show nothing of a small model, whose best window may lie at 10^-12.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.calibration.ranks import compute_share_above
from byheart.measures.calibration.stretches import Comparison
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.units import Difference, Log10PZ, Ratio, Share

STEP = 5
"""Decades between the levels below 0.001."""
LOWEST = -300
"""No level lies below this log10 p_z, except t itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Against:
    """A share of the book's stretch beside the same share of each control's stretch."""

    book: Share | None
    """The book's; this and what follows is null where a stretch has none left."""
    mean: Share | None
    """The mean of the controls'."""
    most: Share | None
    """The largest of the controls'."""
    excess: Difference | None
    """The book's minus the controls' mean: what it shows beyond itself unseen, as expected."""
    excess_at_least: Difference | None
    """The book's minus the largest of the controls': a lower bound with confidence K / (K + 1), for one level."""
    excess_at_most: Difference | None
    """The book's minus the smallest: with `excess_at_least` an interval with confidence (K - 1) / (K + 1)."""
    background: Ratio | None
    """`mean` over `book`: how much of the book's share to expect of unseen text. A ratio of expectations, for a level \
fixed beforehand: no false discovery rate, and biased at t itself. Null where the book has none."""
    background_at_most: Ratio | None
    """`most` over `book`: an upper bound with confidence K / (K + 1)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Level:
    """The book and its controls strictly above one threshold."""

    log10_p_z: Log10PZ
    """The threshold."""
    is_t: bool
    """Whether it is t, of windows or of characters; all other levels were fixed beforehand."""
    windows: Against
    """The share of windows."""
    characters: Against
    """The share of measurable characters."""


def compute_levels(comparison: Comparison, thresholds: Sequence[float]) -> list[Level]:
    """The levels from the smallest of `thresholds` upwards, ascending.

    Args:
        thresholds: t of windows and of characters, nats; these are levels too, unless they are infinite.
    """
    own = {value: value / math.log(10) for value in thresholds if math.isfinite(value)}
    fixed = {decade * math.log(10): float(decade) for decade in range(LOWEST, -3, STEP)}
    fixed |= {math.log(at): math.log10(at) for at in THRESHOLDS}
    least = min(thresholds, default=-math.inf)
    return [
        Level(
            log10_p_z=log10,
            is_t=level in own,
            windows=_compare([stretch.ranked_windows for stretch in comparison.all], level),
            characters=_compare([stretch.ranked_characters for stretch in comparison.all], level),
        )
        for level, log10 in sorted((own | fixed).items())
        if level >= least
    ]


def _compare(ranked: Sequence[np.ndarray], log_p_z: float) -> Against:
    book, *controls = (compute_share_above(values, log_p_z) for values in ranked)
    known = [share for share in controls if share is not None]
    if book is None or not known or len(known) < len(controls):
        return Against(**dict.fromkeys(field.name for field in dataclasses.fields(Against)))
    mean, most = sum(known) / len(known), max(known)
    return Against(
        book=book,
        mean=mean,
        most=most,
        excess=book - mean,
        excess_at_least=book - most,
        excess_at_most=book - min(known),
        background=mean / book if book else None,
        background_at_most=most / book if book else None,
    )
