"""A text under one model as a strip of columns, in which area is share."""

import enum
import math

import numpy as np

from byheart.measures.calibration.bands import Band
from byheart.measures.comparison.scored_text import ScoredText

STEPS = (0.001, 0.01, 0.1, 0.5)
"""The thresholds at which a strip's colours begin."""


class Shade(enum.IntEnum):
    """What a character is painted as, by p_z; `FIRST` + i is at or above the i-th of `STEPS`, and below the next."""

    NOT_MEASURABLE = 0
    BELOW = 1
    FIRST = 2


SHADES = len(STEPS) + 2
BAND_SHADES = len(Band)
"""Bands are painted by `Band` + 1."""


def shade(text: ScoredText) -> np.ndarray:
    """uint8 [C]: the `Shade` of each character."""
    levels = [math.log(step) for step in STEPS]
    values = np.nan_to_num(text.character_map.log_p_z, nan=-np.inf)
    shades = np.searchsorted(levels, values, side="right") + int(Shade.BELOW)
    return np.where(text.character_map.measurable, shades, int(Shade.NOT_MEASURABLE)).astype(np.uint8)


def shade_bands(text: ScoredText) -> np.ndarray | None:
    """uint8 [C]: `Band` + 1 of each character; None without a threshold from controls."""
    return None if text.bands is None else (text.bands + 1).astype(np.uint8)


def count_columns(shades: np.ndarray, kinds: int, columns: int) -> np.ndarray:
    """float64 [N, kinds]: the share of each shade in each of N equal runs of characters, N at most `columns`.

    A column of maxima would show a book as known of which each page holds one known line.
    """
    characters = len(shades)
    count = min(columns, characters)
    firsts = np.arange(count) * characters // max(count, 1)
    column = np.searchsorted(firsts, np.arange(characters), side="right") - 1
    counts = np.bincount(column * kinds + shades, minlength=count * kinds).reshape(count, kinds)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
