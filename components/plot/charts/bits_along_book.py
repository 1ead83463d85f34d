"""Bits per character along the book, beside the level of the controls: the lower, the better the model knows the text.

0 is known by heart. Each step of the line is a run of equally many characters, with all windows whose suffix begins in
it; every token was scored after the true tokens before it in its window. The band holds all equally long runs of the
controls, and the dashed lines are whole controls, by the equal stretches of [calibration.json](calibration.md). A book
that the model has not seen stays in the band or above. Chapters are marked above, and named where there is room.
"""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from byheart.components.plot.chapter_marks import mark_chapters
from byheart.components.plot.frame import (
    BLUE,
    GREY,
    ORANGE,
    SIZE,
    ChartData,
    describe_best,
    make_figure,
    say_instead,
    tidy_axes,
)

POSITION = 6
_RUNS = 120
"""The most runs of a book: more could not be told apart at the width of a page."""
_LEAST = 3
"""Windows that a run has at the least, on average."""


def draw(data: ChartData) -> Figure:
    """A step for each run of the book's characters over a band of the controls' runs."""
    measured = data.measured
    windows, (start, stop) = measured.windows, measured.selection.bounds
    question = f"Where does {data.model} know “{measured.book.called}”, in bits per character?"
    if not len(windows):
        return say_instead(data, question, describe_best(data))
    runs = max(min(_RUNS, len(windows) // _LEAST), 1)
    length = math.ceil((stop - start) / runs)
    own = compute_runs(windows.suffix_start - start, windows.stop - windows.suffix_start, data.recall.bits, length)
    figure = make_figure(data, question, remark=f"runs of {length:,} characters")
    axes = figure.subplots()
    highest = float(np.nanmax(own))
    if data.control:
        others = [
            compute_runs(
                text.suffix_start - text.suffix_start.min(), text.stop - text.suffix_start,
                -text.log_p_z / math.log(2), length,
            )
            for text in data.control.documents if len(text)
        ]  # fmt: skip
        levels = [stretch.bits_per_character for stretch in data.comparison.controls] if data.comparison else []
        pooled = np.concatenate(others) if others else np.array([])
        if np.isfinite(pooled).any():
            low, high = float(np.nanmin(pooled)), float(np.nanmax(pooled))
            axes.axhspan(low, high, color=ORANGE, alpha=0.15, linewidth=0, label="runs of the controls")
            highest = max(highest, high)
        for level in (level for level in levels if level is not None):
            label = "" if axes.get_lines() else "whole controls"
            axes.axhline(level, color=ORANGE, linestyle="--", linewidth=1.2, label=label)
    edges = (start + length * np.arange(len(own) + 1)).clip(max=stop)
    axes.stairs(own, edges, baseline=None, color=BLUE, linewidth=1.6, label="the text")
    whole = data.recall.compute()
    if whole and whole.bits_per_character is not None:
        level = whole.bits_per_character
        axes.axhline(level, color=GREY, linestyle=":", linewidth=1.2, label=f"the whole text, {level:.2f}")
    axes.set(xlim=(start, stop), ylim=(0, 1.05 * highest or 1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("character of the book", fontsize="small")
    axes.set_ylabel("bits per character", fontsize="small")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=4, fontsize="small", frameon=False)
    tidy_axes(axes)
    mark_chapters(axes, measured.book.chapters, (start, stop), inches=0.88 * SIZE[0], points=8.3)
    return figure


def compute_runs(position: np.ndarray, characters: np.ndarray, bits: np.ndarray, length: int) -> np.ndarray:
    """float64: the bits over the characters of the suffixes that begin in each run of `length` characters.

    Runs without a suffix are NaN.

    Args:
        position: int64 [W]: where each suffix begins, from the beginning of the first run.
        characters: int64 [W]: of each suffix.
        bits: float64 [W]: of each suffix.
    """
    run = position // length
    sums = [np.bincount(run, weights=weights) for weights in (bits, characters)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[1] > 0, sums[0] / sums[1], np.nan)
