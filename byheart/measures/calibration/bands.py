"""Bands: what may be said of each window and each character, by the controls' threshold t and how easily it is drawn.

                       at most t                          above t
    below tau(n, p)    like unseen text                   only above the controls
    from tau(n, p)     easily drawn, not above            extractable

tau(n, p) is the log_p_z from which n draws of a window, at temperature 1 and from its true prompt, give its suffix at
least once with probability p (Hayes et al. 2024). A single window has no error rate: t has one, for the whole stretch.
"""

import dataclasses
import enum

import numpy as np

from byheart.measures.calibration.stretches import Comparison, Document, cut
from byheart.measures.calibration.thresholds import Threshold
from byheart.measures.discoverable import tau
from byheart.measures.units import Chance, Characters, Nats, Tries, WindowCount

TRIES, PROBABILITY = 1_000, 0.99
EXTRACTABLE_LOG_P_Z = tau(TRIES, PROBABILITY)
"""From p_z = 0.0046."""
HIGHEST_CHANCE = 0.05
"""What lies above t may be called memorised only if r / (K + 1) is at most this."""


class Band(enum.IntEnum):
    """A band, from the least evidence of memory to the most."""

    NONE = -1
    """Not measured, or left out because it is repetitive."""
    LIKE_UNSEEN = 0
    """Like unseen text: not above t, and not easily drawn. Nothing is shown, absence least of all."""
    EASY = 1
    """Easily drawn, but not above t: the controls have such windows too."""
    ABOVE_CONTROLS = 2
    """Above t, but not easily drawn."""
    EXTRACTABLE = 3
    """Above t and easily drawn."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowBands:
    """How many windows lie in each band; the numbers add up to all windows."""

    like_unseen: WindowCount
    """Not above t, and below the log_p_z from which windows are easily drawn."""
    easy: WindowCount
    """Easily drawn, but not above t: as unseen text is."""
    above_controls: WindowCount
    """Above t, but not easily drawn."""
    extractable: WindowCount
    """Above t and easily drawn."""
    none: WindowCount
    """Left out because they are repetitive."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CharacterBands:
    """How many characters lie in each band, by their map value; the numbers add up to all characters."""

    like_unseen: Characters
    """Not above the characters' t, and below the log_p_z from which windows are easily drawn."""
    easy: Characters
    """Easily drawn, but not above t."""
    above_controls: Characters
    """Above t, but not easily drawn."""
    extractable: Characters
    """Above t and easily drawn."""
    none: Characters
    """In no suffix of a measured window that is kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bands:
    """The bands of a book, in the stretch that is compared with its controls, and in the whole book."""

    tries: Tries
    """n of tau(n, p): the draws of a window."""
    probability: Chance
    """p of tau(n, p): the probability that at least one of them gives the suffix."""
    extractable_log_p_z: Nats
    """tau(n, p): the log_p_z from which a window is easily drawn."""
    may_say_memorised: bool
    """Whether what lies above t may be called memorised: if r / (K + 1) is at most 5%, more than q of the stretch \
lies above, and no text was measured by some of its windows only."""
    above_controls_is_empty: bool
    """Whether the windows' t is so high that every window above it is extractable."""
    stretch_windows: WindowBands
    """The windows of the stretch."""
    stretch_characters: CharacterBands
    """The characters of the stretch."""
    book_windows: WindowBands
    """All measured windows of the book: for these, the chance is `chance_whole_book`."""
    book_characters: CharacterBands
    """All characters of the book."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Painting:
    """The band of every window and character of a book, for pictures and tables."""

    windows: np.ndarray
    """int8 [W]: the `Band` of each measured window."""
    characters: np.ndarray
    """int8 [C]: the `Band` of each character of the book."""


def classify(log_p_z: np.ndarray, threshold: float) -> np.ndarray:
    """int8: the `Band` of each value; NaN is in none.

    Args:
        threshold: t, nats.
    """
    bands = 2 * (log_p_z > threshold).astype(np.int8) + (log_p_z >= EXTRACTABLE_LOG_P_Z)
    return np.where(np.isnan(log_p_z), np.int8(Band.NONE), bands).astype(np.int8)


def paint(book: Document, windows: Threshold, characters: Threshold) -> Painting:
    """The bands of a whole book, made of all its windows that are not repetitive.

    Args:
        windows: the windows' t.
        characters: the characters' t.
    """
    whole = cut(book, len(book))
    start, stop = whole.span
    painted = np.full(len(book.text), Band.NONE, np.int8)
    painted[start:stop] = classify(whole.character_map.log_p_z, characters.value)
    kept = np.where(book.repetitive, np.nan, book.log_p_z)
    return Painting(windows=classify(kept, windows.value), characters=painted)


def count_bands(comparison: Comparison, windows: Threshold, characters: Threshold) -> Bands:
    """The bands of the book of a comparison.

    Args:
        windows: the windows' t.
        characters: the characters' t.
    """
    stretch = comparison.book
    book = paint(stretch.document, windows, characters)
    # Windows beyond the stretch would reach into it: its characters are those of its own map.
    stretch_characters = classify(stretch.character_map.log_p_z, characters.value)
    return Bands(
        tries=TRIES,
        probability=PROBABILITY,
        extractable_log_p_z=EXTRACTABLE_LOG_P_Z,
        may_say_memorised=windows.chance <= HIGHEST_CHANCE and windows.exceeded and not comparison.is_spread,
        above_controls_is_empty=windows.value >= EXTRACTABLE_LOG_P_Z,
        stretch_windows=WindowBands(**_count(book.windows[stretch.first : stretch.first + stretch.count])),
        stretch_characters=CharacterBands(**_count(stretch_characters)),
        book_windows=WindowBands(**_count(book.windows)),
        book_characters=CharacterBands(**_count(book.characters)),
    )


def _count(bands: np.ndarray) -> dict[str, int]:
    return {band.name.lower(): int((bands == band).sum()) for band in Band}
