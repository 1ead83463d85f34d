"""Thresholds from controls: t(q, r), above which at most a share q of an unseen stretch lies, but for a known chance.

t(q, r) is the r-th largest, over the K controls, of each control's (floor(q n) + 1)-th largest value. If the book is
unseen, the chance that more than q of its stretch lies above t is at most r / (K + 1): its own such value would have to
be among the r largest of K + 1 alike. With q = 0 and r = 1, t is the most probable window of all controls: the census.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np

from byheart.measures.calibration.stretches import Comparison, Stretch, count_above
from byheart.measures.units import Chance, Nats, Number, Position, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowAt:
    """A window of a text, with its suffix."""

    text: str
    """The name of the book or control."""
    number: Number
    """Its number among all windows of that text, from 0."""
    start: Position
    """The position of the first character of its suffix."""
    stop: Position
    """The position after the last character of its suffix."""
    log_p_z: Nats | None
    """Its log_p_z; null where it is minus infinity."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold from the controls, and how much of the book's stretch lies above it."""

    q: Share
    """The share of an unseen stretch that may lie above the threshold."""
    r: int
    """Which of the controls' own thresholds it is: 1 is the largest."""
    log_p_z: Nats | None
    """The threshold: above means strictly above. Null where it is minus infinity."""
    decided_by: WindowAt | None
    """The control's window whose log_p_z it is, the earliest of equals; null where that control has no windows left."""
    without: dict[str, Nats | None]
    """The threshold without each of the controls; null where fewer than `r` are left."""
    chance: Chance
    """r / (K + 1): if the book is unseen, the chance that more than `q` of its stretch lies above is at most this."""
    chance_whole_book: Chance
    """The same that this happens in any stretch as long, over the whole book, if its stretches are alike."""
    above: int
    """How many windows, or characters, of the book's stretch lie above."""
    of: int
    """How many windows, or measurable characters, the book's stretch has."""
    share: Share | None
    """`above` over `of`; null where `of` is 0."""
    exceeded: bool
    """Whether more than `q` lies above."""

    @property
    def value(self) -> float:
        """The threshold as a number, nats."""
        return -math.inf if self.log_p_z is None else self.log_p_z


def forgive(q: float, count: int) -> int:
    """floor(q count): how many of `count` values may lie above the threshold. Computed as q is written, in decimals."""
    return int(Decimal(repr(q)) * count)


def find_own_threshold(ranked: np.ndarray, q: float) -> float:
    """The (floor(q n) + 1)-th largest of n values, sorted from the largest; minus infinity if there are none."""
    return float(ranked[forgive(q, len(ranked))]) if len(ranked) else -math.inf


def find_threshold(own: Sequence[float], r: int) -> float | None:
    """The r-th largest of the controls' own thresholds; None with fewer than r."""
    return sorted(own, reverse=True)[r - 1] if len(own) >= r else None


def find_window_threshold(comparison: Comparison, *, q: float, r: int) -> Threshold | None:
    """The threshold for windows; None with fewer than `r` controls."""
    return _describe(comparison, [stretch.ranked_windows for stretch in comparison.all], q, r, _find_window)


def find_character_threshold(comparison: Comparison, *, q: float, r: int) -> Threshold | None:
    """The threshold for characters, from the controls' maps; None with fewer than `r` controls.

    It is higher than that for windows, because the value of a character is the best of some twenty windows.
    """
    return _describe(comparison, [stretch.ranked_characters for stretch in comparison.all], q, r, _find_character)


def find_best_window(stretch: Stretch) -> WindowAt | None:
    """The window with the largest log_p_z, the earliest of equals; None if no window is left."""
    return describe_window(stretch, int(np.argmax(stretch.log_p_z))) if len(stretch.log_p_z) else None


def describe_window(stretch: Stretch, index: int) -> WindowAt:
    """The window with this index among the kept windows of a stretch."""
    document, row = stretch.document, int(stretch.kept[index])
    value = float(document.log_p_z[row])
    return WindowAt(
        text=document.name,
        number=int(document.number[row]),
        start=int(document.suffix_start[row]),
        stop=int(document.stop[row]),
        log_p_z=value if math.isfinite(value) else None,
    )


def count_pieces(comparison: Comparison) -> int:
    """How many stretches as long as the compared one cover the whole book; 0 where the stretch has no windows."""
    stretch = comparison.book
    return math.ceil(len(stretch.document) / stretch.count) if stretch.count else 0


def _describe(
    comparison: Comparison,
    ranked: Sequence[np.ndarray],
    q: float,
    r: int,
    find_window: Callable[[Stretch, float], WindowAt | None],
) -> Threshold | None:
    """The threshold among values that are sorted from the largest, of the book and of each control."""
    book, *controls = ranked
    own = [find_own_threshold(values, q) for values in controls]
    threshold = find_threshold(own, r)
    if threshold is None:
        return None
    above, count = count_above(book, threshold), len(controls)
    return Threshold(
        q=q,
        r=r,
        log_p_z=_drop_infinity(threshold),
        decided_by=find_window(comparison.controls[own.index(threshold)], threshold),
        without={
            stretch.document.name: _drop_infinity(find_threshold([*own[:index], *own[index + 1 :]], r))
            for index, stretch in enumerate(comparison.controls)
        },
        chance=r / (count + 1),
        chance_whole_book=min(count_pieces(comparison) * r / (count + 1), 1.0),
        above=above,
        of=len(book),
        share=above / len(book) if len(book) else None,
        exceeded=above > forgive(q, len(book)),
    )


def _find_window(stretch: Stretch, log_p_z: float) -> WindowAt | None:
    found = np.flatnonzero(stretch.log_p_z == log_p_z)
    return describe_window(stretch, int(found[0])) if len(found) else None


def _find_character(stretch: Stretch, log_p_z: float) -> WindowAt | None:
    covered = stretch.character_map
    found = np.flatnonzero(covered.measurable & (covered.log_p_z == log_p_z))
    return describe_window(stretch, int(covered.window[found[0]])) if len(found) else None


def _drop_infinity(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
