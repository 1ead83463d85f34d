"""The share of the book's measurable characters that reach each threshold of p_z.

Characters are counted as covered by a suffix and as covered anywhere in a window, beside the control. Whiskers are 95%
intervals for other books made of such blocks. Coverage grows with the number of windows, so compare books and models at
equal stride; the axis names it. Each share is of the characters that its coverage can measure: with a stride longer
than the suffix, the two coverages measure different characters.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from byheart.components.plot.frame import BLUE, GREY, ORANGE, ChartData, format_thresholds, make_figure, tidy_axes
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.rates import Rate

POSITION = 5
_WIDTH = 0.26
_LABELS = {"suffix": "as suffix", "window": "anywhere in a window"}
_STYLES: dict[str, dict[str, Any]] = {"suffix": {"color": BLUE}, "window": {"color": "#56b4e9", "hatch": "//"}}
_CONTROL = {"color": "white", "edgecolor": ORANGE, "hatch": "xx", "linewidth": 1.0}


def draw(data: ChartData) -> Figure:
    """Bars for each threshold: suffix coverage, window coverage, and the control; whiskers are intervals."""
    measured, chosen = data.measured, data.settings.coverage
    bars: list[tuple[str, dict[float, Rate], dict[str, Any]]] = [
        (_LABELS[name], rates, _STYLES[name]) for name, rates in data.rates.plain.coverage_at.list_chosen_first(chosen)
    ]
    if data.control:
        control = data.control.rates.plain.coverage_at.choose(chosen)
        bars.append((f"control, {_LABELS[chosen]}", control, _CONTROL))
    question = f"How much of “{measured.book.called}” is covered at each probability?"
    figure = make_figure(data, question, remark=f"{chosen} coverage first")
    axes = figure.subplots()
    for index, (label, rates, style) in enumerate(bars):
        _draw_bars(axes, (index - (len(bars) - 1) / 2) * _WIDTH, rates, label=label, style=style)
    axes.set_xticks(range(len(THRESHOLDS)), [f"$p_z$ ≥ {shown}" for shown in format_thresholds(THRESHOLDS)])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(0, 1.08)
    spread = measured.selection.is_spread
    windows = f"{len(measured.windows):,} windows, evenly spread" if spread else ""
    axes.set_ylabel(
        f"share of {'measured' if spread else 'measurable'} characters,\n"
        f"{windows or f'one window every {measured.stride:,} characters'}",
        fontsize="small",
    )
    axes.legend(loc="upper right", fontsize="small", frameon=False)
    tidy_axes(axes)
    return figure


def _draw_bars(axes: Axes, offset: float, rates: dict[float, Rate], *, label: str, style: dict[str, Any]) -> None:
    for index, threshold in enumerate(THRESHOLDS):
        rate, interval = rates[threshold].share, rates[threshold].interval
        if rate is None:
            continue
        axes.bar(index + offset, rate, 0.9 * _WIDTH, label=label if not index else None, **style)
        if interval:
            whisker = np.array([[rate - interval[0]], [interval[1] - rate]]).clip(0)
            axes.errorbar(index + offset, rate, whisker, color=GREY, capsize=2, linewidth=1)
        top = max(rate, interval[1]) if interval else rate
        axes.annotate(
            f"{rate:.1%}",
            (index + offset, top),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="x-small",
        )
