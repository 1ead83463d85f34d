"""What the characters of a text are painted as under one model."""

import math

import numpy as np

from byheart.measures.comparison.scored_text import ScoredText
from byheart.measures.discoverable import STEPS

NOT_MEASURABLE, BELOW = 0, 1
"""Shades without a colour; the others are 2 + i, at or above the i-th of `STEPS` and below the next."""


def shade(text: ScoredText) -> np.ndarray:
    """uint8 [C]: the shade of each character, by p_z."""
    levels = [math.log(step) for step in STEPS]
    values = np.nan_to_num(text.character_map.log_p_z, nan=-np.inf)
    shades = np.searchsorted(levels, values, side="right") + BELOW
    return np.where(text.character_map.measurable, shades, NOT_MEASURABLE).astype(np.uint8)
