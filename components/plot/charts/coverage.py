"""The share of the book's measurable characters that reach each threshold of p_z.

Characters are counted as covered by a suffix and as covered anywhere in a window, beside the control; the table below
the bars has the numbers. Whiskers are 95% intervals for other books made of such blocks. Coverage grows with the number
of windows, so compare books and models at equal stride; the axis names it. Each share is of the characters that its
coverage can measure: with a stride longer than the suffix, the two coverages measure different characters.

Where no character reaches the lowest threshold, the chart shows the levels of [calibration.json](calibration.md)
instead, from the controls' threshold t upwards: the book's compared stretch, the mean of the controls, and the highest
of them. Where there is nothing above t either, it says so; of a control there is no such file then.
"""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, DrawingArea, HPacker, TextArea
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from byheart.components.plot.frame import (
    BLUE,
    GREY,
    ORANGE,
    ChartData,
    describe_best,
    format_thresholds,
    make_figure,
    say_instead,
    tidy_axes,
)
from byheart.measures.calibration.levels import Level
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.rates import Rate

POSITION = 5
_WIDTH = 0.26
_LABELS = {"suffix": "as suffix", "window": "anywhere in a window"}
_STYLES: dict[str, dict[str, Any]] = {
    "suffix": {"facecolor": BLUE},
    "window": {"facecolor": "#56b4e9", "edgecolor": "black", "linewidth": 0, "hatch": "//"},
}
_CONTROL = {"facecolor": "white", "edgecolor": ORANGE, "hatch": "xx", "linewidth": 1.0}
_WORST = {"facecolor": "white", "edgecolor": GREY, "hatch": "..", "linewidth": 1.0}
_MOST_LEVELS = 6
_FIRST_LINE, _LINE = 26, 13
"""Where the lines of the table lie below the axis, in points."""

Bar = tuple[float | None, tuple[float, float] | None]
"""A share and its interval."""
Bars = tuple[str, list[Bar], dict[str, Any]]
"""A series: its name, a bar for each threshold, its style."""


def draw(data: ChartData) -> Figure:
    """Bars for each threshold: suffix coverage, window coverage, and the control; whiskers are intervals."""
    measured, chosen = data.measured, data.settings.coverage
    question = f"How much of “{measured.book.called}” is covered at each probability?"
    bars: list[Bars] = [
        (_LABELS[name], _list_bars(rates), _STYLES[name])
        for name, rates in data.rates.plain.coverage_at.list_chosen_first(chosen)
    ]
    if data.control:
        control = data.control.rates.plain.coverage_at.choose(chosen)
        bars.append((f"control, {_LABELS[chosen]}", _list_bars(control), _CONTROL))
    if any(share for _, pairs, _ in bars for share, _ in pairs):
        spread = measured.selection.is_spread
        windows = f"{len(measured.windows):,} windows, evenly spread" if spread else ""
        of = (
            f"share of {'measured' if spread else 'measurable'} characters,\n"
            f"{windows or f'one window every {measured.stride:,} characters'}"
        )
        marks = [f"$p_z$ ≥ {shown}" for shown in format_thresholds(THRESHOLDS)]
        return _draw_bars(make_figure(data, question, remark=f"{chosen} coverage first"), bars, marks, of)
    if levels := _choose_levels(data):
        bars = [
            ("the book", [(level.characters.book, None) for level in levels], _STYLES["suffix"]),
            ("mean of controls", [(level.characters.mean, None) for level in levels], _CONTROL),
            ("highest control", [(level.characters.most, None) for level in levels], _WORST),
        ]
        marks = [f"$p_z$ > $10^{{{level.log10_p_z:.4g}}}$" for level in levels]
        figure = make_figure(data, question, remark="no character reaches 0.1%: levels from the controls' t upwards")
        return _draw_bars(figure, bars, marks, "share of characters in suffixes\nof the compared stretches")
    return say_instead(data, question, f"No character is covered at 0.1%. {describe_best(data)}")


def _list_bars(rates: dict[float, Rate]) -> list[Bar]:
    return [(rate.share, rate.interval) for rate in rates.values()]


def _choose_levels(data: ChartData) -> list[Level]:
    """The characters' t and some levels above it that the book reaches; empty if it reaches none."""
    calibration = data.calibration
    if not calibration or not calibration.characters_t or calibration.characters_t.log_p_z is None:
        return []
    least = calibration.characters_t.log_p_z / math.log(10)
    levels = [level for level in calibration.levels if level.log10_p_z >= least and level.characters.book]
    step = math.ceil(len(levels) / _MOST_LEVELS) or 1
    return levels[::step]


def _draw_bars(figure: Figure, bars: list[Bars], marks: list[str], of: str) -> Figure:
    """The bars, and below them their numbers in a table that is the legend too."""
    axes = figure.subplots()
    for index, (label, pairs, style) in enumerate(bars):
        for at, (share, interval) in enumerate(pairs):
            if share is None:
                continue
            x = at + (index - (len(bars) - 1) / 2) * _WIDTH
            axes.bar(x, share, 0.9 * _WIDTH, label=label if not at else None, **style)
            if interval:
                whisker = np.array([[share - interval[0]], [interval[1] - share]]).clip(0)
                axes.errorbar(x, share, whisker, color=GREY, capsize=2, linewidth=1)
    axes.set_xticks(range(len(marks)), marks)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
    tops = [max(share or 0, *(interval or (0,))) for _, pairs, _ in bars for share, interval in pairs]
    axes.set(xlim=(-0.5, len(marks) - 0.5), ylim=(0, min(1.08, 1.1 * max(tops))))
    axes.set_ylabel(of, fontsize="small")
    tidy_axes(axes)
    _write_table(axes, bars)
    return figure


def _write_table(axes: Axes, bars: list[Bars]) -> None:
    """A line for each series below the marks of the axis: its colour, its name and its numbers."""
    for row, (label, pairs, style) in enumerate(bars):
        offset = (0, -_FIRST_LINE - _LINE * row)
        colour = DrawingArea(12, 8)
        colour.add_artist(Rectangle((0, 0), 12, 8, **style))
        name = HPacker(
            children=[colour, TextArea(label, textprops={"fontsize": "small"})], pad=0, sep=4, align="center"
        )
        box = AnnotationBbox(
            name, (0, 0), xycoords="axes fraction", xybox=(-6, offset[1]), boxcoords="offset points",
            box_alignment=(1, 0.5), frameon=False, pad=0,
        )  # fmt: skip
        axes.add_artist(box)
        for at, (share, _) in enumerate(pairs):
            text = "no share" if share is None else f"{share:.1%}"
            axes.annotate(
                text, (at, 0), xycoords=axes.get_xaxis_transform(), xytext=offset, textcoords="offset points",
                ha="center", va="center_baseline", fontsize="small",
            )  # fmt: skip
