"""A book against the controls of its run, as calibration.json holds it: the only claims that have an error rate.

Every claim assumes that the book, if the model had not seen it, would be one more text from where the controls came.
The error rates are over draws of such texts; none is the probability that this book, or a window of it, is memorised.
"""

import dataclasses

import numpy as np

from byheart.measures.calibration.balance import Balance, describe_balance
from byheart.measures.calibration.bands import Bands, count_bands
from byheart.measures.calibration.levels import Level, compute_levels
from byheart.measures.calibration.ranks import Ranks, StretchNumbers, compute_numbers, rank_comparison
from byheart.measures.calibration.stretches import Comparison, Stretch
from byheart.measures.calibration.thresholds import (
    Threshold,
    WindowAt,
    count_pieces,
    find_best_window,
    find_character_threshold,
    find_own_threshold,
    find_window_threshold,
)
from byheart.measures.measured import SampleLogPZ
from byheart.measures.statistics import PromptShares
from byheart.measures.units import BookCount, Chance, Characters, Nats, Number, Position, PValue, WindowCount

_NEVER = 0.05
"""One less 95%."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CalibratedText:
    """The book or a control: its middle stretch, and what was computed of it."""

    name: str
    """Its name."""
    windows_of_text: WindowCount
    """How many of its windows were measured."""
    first_window: Number | None
    """The number of the stretch's first window among all windows of the text; null where the stretch has none."""
    repetitive: WindowCount
    """The windows of the stretch that are left out because they are repetitive, which depends on the text alone."""
    non_overlapping: WindowCount
    """How many of its windows that are not left out share no characters: a share of 0% or 100% is bounded by these."""
    start: Position
    """The position of the first character of the stretch's suffixes."""
    stop: Position
    """The position after the last."""
    measurable: Characters
    """The characters of the stretch that a window covers as suffix."""
    numbers: StretchNumbers
    """The numbers by which texts are ranked."""
    best_window: WindowAt | None
    """Its most probable window; null where none is left."""
    windows_log_p_z: Nats | None
    """Its own threshold for windows: q of its windows lie above. Null where none is left."""
    characters_log_p_z: Nats | None
    """Its own threshold for characters."""
    balance: Balance
    """What book and controls should have in common."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleAbove(PromptShares):
    """The shares of the control sample's suffixes that lie above t."""

    non_overlapping: WindowCount
    """How many of these suffixes belong to windows that share no characters with one another."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeveralBooks:
    """What the chance of an error becomes because several books, or later runs, use the same controls."""

    books: BookCount
    """R: the books of the run. Count every book that you look at."""
    any_above_all_controls: Chance
    """R / (R + K): if all are unseen, the chance that any has a window above all controls is at most this."""
    expected_above_all_controls: float
    """R / (K + 1): how many of them to expect, at most."""
    rate_of_these_controls: Chance
    """1 - 0.05^(1/K): with 95% confidence, at most this share of all unseen texts lies above these very controls."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """calibration.json: a book against the K controls of its run, by equal middle stretches. Scores are log_p_z."""

    controls_count: int
    """K."""
    least_p: PValue
    """1 / (K + 1): no p-value can be smaller."""
    confidence: Chance
    """K / (K + 1): of a bound by the largest of the controls."""
    interval_confidence: Chance
    """(K - 1) / (K + 1): of an interval between the largest and the smallest of the controls."""
    windows: WindowCount
    """N0: the windows of each stretch, the fewest of the K + 1 texts."""
    pieces: int
    """How many stretches as long the whole book makes; the last may be shorter."""
    is_spread: bool
    """Whether windows were measured evenly spread: they lie further apart in longer texts, and the error rates do not \
hold unless all texts are equally long."""
    p_all: PValue
    """The p-value of the book: how many of the K + 1 texts are at least as extreme in all four numbers together, by \
their best rank, then their second best, and so on, over K + 1."""
    ranks: Ranks
    """The rank and the excess of each number."""
    windows_t: Threshold | None
    """t(q, r) for windows; null with fewer than r controls."""
    characters_t: Threshold | None
    """t(q, r) for characters, from the controls' maps; null with fewer than r controls."""
    census: Threshold | None
    """t(0, 1) for windows: the controls' most probable window. Null without controls."""
    bands: Bands | None
    """The bands, by `windows_t` and `characters_t`."""
    levels: list[Level]
    """The book beside its controls from t upwards."""
    control_sample: SampleAbove | None
    """Of the book's suffixes that were scored under other prompts too, the shares above `windows_t`; null without."""
    several_books: SeveralBooks | None
    """Several books with the same controls; null without controls."""
    book: CalibratedText
    """The book."""
    controls: list[CalibratedText]
    """The controls, the one with the largest threshold first."""


def calibrate(
    comparison: Comparison, *, q: float, r: int, books: int, sample: SampleLogPZ | None = None
) -> Calibration:
    """A book against its controls.

    Args:
        q, r: of the threshold t(q, r).
        books: how many books the run has.
        sample: of the control sample's suffixes.
    """
    count = len(comparison.controls)
    ranks, p_all = rank_comparison(comparison)
    windows, characters = (find(comparison, q=q, r=r) for find in (find_window_threshold, find_character_threshold))
    census = find_window_threshold(comparison, q=0.0, r=1)
    book, *controls = (_describe(stretch, q) for stretch in comparison.all)
    thresholds = (
        [threshold.value for threshold in (windows, characters) if threshold] or [census.value] if census else []
    )
    return Calibration(
        controls_count=count,
        least_p=1 / (count + 1),
        confidence=count / (count + 1),
        interval_confidence=max(count - 1, 0) / (count + 1),
        windows=comparison.book.count,
        pieces=count_pieces(comparison),
        is_spread=comparison.is_spread,
        p_all=p_all,
        ranks=ranks,
        windows_t=windows,
        characters_t=characters,
        census=census,
        bands=count_bands(comparison, windows, characters) if windows and characters else None,
        levels=compute_levels(comparison, thresholds) if census else [],
        control_sample=_count_above(windows, sample) if sample and windows else None,
        several_books=_count_books(books, count) if count else None,
        book=book,
        controls=sorted(controls, key=_make_sort_key),
    )


def _describe(stretch: Stretch, q: float) -> CalibratedText:
    document, (start, stop) = stretch.document, stretch.span
    own = [find_own_threshold(values, q) for values in (stretch.ranked_windows, stretch.ranked_characters)]
    windows, characters = (value if value > -float("inf") else None for value in own)
    return CalibratedText(
        name=document.name,
        windows_of_text=len(document),
        first_window=int(document.number[stretch.first]) if stretch.count else None,
        repetitive=stretch.count - len(stretch.kept),
        non_overlapping=stretch.non_overlapping,
        start=start,
        stop=stop,
        measurable=len(stretch.ranked_characters),
        numbers=compute_numbers(stretch),
        best_window=find_best_window(stretch),
        windows_log_p_z=windows,
        characters_log_p_z=characters,
        balance=describe_balance(stretch),
    )


def _make_sort_key(text: CalibratedText) -> tuple[float, float, str]:
    best = text.best_window.log_p_z if text.best_window else None
    threshold, largest = (float("inf") if value is None else -value for value in (text.windows_log_p_z, best))
    return threshold, largest, text.name


def _count_above(threshold: Threshold, sample: SampleLogPZ) -> SampleAbove | None:
    if not len(sample.own_prompt):
        return None
    return SampleAbove(
        own_prompt=float(np.mean(sample.own_prompt > threshold.value)),
        other_prompt=float(np.mean(sample.other_prompt > threshold.value)),
        non_overlapping=sample.non_overlapping,
    )


def _count_books(books: int, controls: int) -> SeveralBooks:
    return SeveralBooks(
        books=books,
        any_above_all_controls=books / (books + controls),
        expected_above_all_controls=books / (controls + 1),
        rate_of_these_controls=1 - _NEVER ** (1 / controls),
    )
