"""The tables of a book's calibration, for report.html and summary.md."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from byheart.measures.calibration.calibrate import CalibratedText, Calibration
from byheart.measures.calibration.facts import format_p_z
from byheart.measures.calibration.ranks import NAMES
from byheart.measures.calibration.thresholds import Threshold, WindowAt
from byheart.measures.figures import show

MOST_CONTROLS = 20
"""The most controls in a table; calibration.json has all."""
_BITS = "bits per character"
_NUMBERS = ("characters at 0.5", "windows at 0.001", "longest passage", _BITS)
"""What `NAMES` are called."""
_BANDS = ("extractable", "above_controls", "easy", "like_unseen", "none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text; all columns but the first are aligned right."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    """A sentence below it."""


def list_tables(calibration: Calibration, may_say: str) -> list[Table]:
    """Ranks, thresholds, bands and balance.

    Args:
        may_say: the sentence about the word memorised.
    """
    return [
        _rank(calibration),
        _list_thresholds(calibration),
        *([_count_bands(calibration, may_say)] if calibration.bands else []),
        _compare_texts(calibration),
    ]


def _rank(calibration: Calibration) -> Table:
    count, rows = calibration.controls_count, []
    for name, called in zip(NAMES, _NUMBERS, strict=True):
        choose: Callable[..., Any] = min if called == _BITS else max
        numbers = [getattr(control.numbers, name) for control in calibration.controls]
        highest = choose((number for number in numbers if number is not None), default=None)
        unit = _BITS if called == _BITS else ""
        own = getattr(calibration.book.numbers, name)
        rows.append((called, show(own, unit), show(highest, unit), f"{getattr(calibration.ranks, name).p:.3g}"))
    rows.append(("all four together", "", "", f"{calibration.p_all:.3g}"))
    return Table(
        title=f"Rank among {count:,} control{'s' * (count != 1)}",
        header=("of the stretch", "book", "highest control", "p"),
        rows=rows,
        note=f"Of each text the middle {calibration.windows:,} windows, without repetitive ones; of bits, fewer is "
        f"higher. p is of each number by itself: claim that of all four. No p can be under {calibration.least_p:.3g}.",
    )


def _list_thresholds(calibration: Calibration) -> Table:
    named = (
        ("windows", calibration.windows_t),
        ("characters", calibration.characters_t),
        ("the best window", calibration.census),
    )
    return Table(
        title="Thresholds from the controls",
        header=("t of", "p_z", "without one control", "decided by", "of the book above", "unseen books above"),
        rows=[
            (
                called,
                format_p_z(threshold.log_p_z),
                _describe_without(threshold),
                _describe_window(threshold.decided_by),
                show(threshold.share),
                f"at most {threshold.r:,} in {calibration.controls_count + 1:,} with {_describe_more(threshold.q)}",
            )
            for called, threshold in named
            if threshold
        ],
    )


def _count_bands(calibration: Calibration, may_say: str) -> Table:
    assert calibration.bands
    bands = calibration.bands
    return Table(
        title="Bands",
        header=(
            "",
            "extractable",
            "only above the controls",
            "easily drawn, not above",
            "like unseen text",
            "left out",
        ),
        rows=[
            (called, *(f"{getattr(counts, band):,}" for band in _BANDS))
            for called, counts in (
                ("windows compared", bands.stretch_windows),
                ("characters compared", bands.stretch_characters),
                ("all windows", bands.book_windows),
                ("all characters", bands.book_characters),
            )
        ],
        note=f"Extractable is above t and, with {bands.probability:.0%} probability, drawn in {bands.tries:,} tries; "
        f"what is as easily drawn but not above t is counted apart, as controls have it too. {may_say}",
    )


def _compare_texts(calibration: Calibration) -> Table:
    controls = calibration.controls[:MOST_CONTROLS]
    more = calibration.controls_count - len(controls)
    return Table(
        title="Are the controls like the book?",
        header=("", "words", "compressed bytes per character", "repeated", "median p_z", "best p_z", _BITS),
        rows=[_describe_text(text) for text in (calibration.book, *controls)],
        note="Everything here assumes that they are: no number can show it."
        + (f" {more:,} more controls are in calibration.json." if more else ""),
    )


def _describe_text(text: CalibratedText) -> tuple[str, ...]:
    balance, best = text.balance, text.best_window
    compressed, median = balance.compressed_bytes_per_character, balance.median_log10_p_z
    return (
        text.name,
        f"{balance.words:,}",
        "–" if compressed is None else f"{compressed:.2f}",
        show(balance.book_overlap),
        "–" if median is None else format_p_z(median * math.log(10)),
        format_p_z(best.log_p_z) if best else "–",
        show(text.numbers.bits_per_character, _BITS),
    )


def _describe_more(share: float) -> str:
    return f"more than {100 * share:g}%" if share else "any"


def _describe_without(threshold: Threshold) -> str:
    """The threshold without each control whose absence moves it."""
    moved = {name: value for name, value in threshold.without.items() if value != threshold.log_p_z}
    parts = [
        f"{'none' if value is None else format_p_z(value)} without {name}"
        for name, value in sorted(moved.items(), key=lambda item: item[1] or 0)
    ]
    return "; ".join(parts) or "the same"


def _describe_window(window: WindowAt | None) -> str:
    return f"{window.text}, characters {window.start:,} to {window.stop:,}" if window else "–"
