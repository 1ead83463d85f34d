"""The share of the book's measurable characters that reach each threshold of p_z.

They are counted as suffix and anywhere in a window, with the control beside. Whiskers are 95% intervals of the block
bootstrap. Coverage grows with the number of windows: compare books and models at equal stride, which stands at the
axis. Shares are of what each coverage can measure: with a stride longer than the suffix, these are different
characters.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from byheart.components.plot.frame import BLUE, GREY, ORANGE, Subject, frame, thresholds_shown, tidy
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.rates import Rate

PLACE = 4
_WIDTH = 0.26
_LABELS = {"suffix": "as suffix", "window": "anywhere in a window"}
_STYLES: dict[str, dict[str, Any]] = {"suffix": {"color": BLUE}, "window": {"color": "#56b4e9", "hatch": "//"}}
_CONTROL = {"color": "white", "edgecolor": ORANGE, "hatch": "xx", "linewidth": 1.0}


def draw(subject: Subject) -> Figure:
    """Bars for each threshold: covered by a suffix, anywhere in a window, and the control's; intervals as whiskers."""
    measured, chosen = subject.measured, subject.settings.coverage
    bars: list[tuple[str, dict[float, Rate], dict[str, Any]]] = [
        (_LABELS[name], rates, _STYLES[name])
        for name, rates in subject.rates.plain.coverage_at.list_chosen_first(chosen)
    ]
    if subject.control:
        control = subject.control.rates.plain.coverage_at.choose(chosen)
        bars.append((f"control, {_LABELS[chosen]}", control, _CONTROL))
    question = f"How much of “{measured.book.called}” is covered at each probability?"
    figure = frame(subject, question, remark=f"{chosen} coverage first")
    axes = figure.subplots()
    for place, (label, rates, style) in enumerate(bars):
        _bars(axes, (place - (len(bars) - 1) / 2) * _WIDTH, rates, label=label, style=style)
    axes.set_xticks(range(len(THRESHOLDS)), [f"$p_z$ ≥ {shown}" for shown in thresholds_shown(THRESHOLDS)])
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
    tidy(axes)
    return figure


def _bars(axes: Axes, offset: float, rates: dict[float, Rate], *, label: str, style: dict[str, Any]) -> None:
    for place, threshold in enumerate(THRESHOLDS):
        rate, interval = rates[threshold].share, rates[threshold].interval
        if rate is None:
            continue
        axes.bar(place + offset, rate, 0.9 * _WIDTH, label=label if not place else None, **style)
        if interval:
            whisker = np.array([[rate - interval[0]], [interval[1] - rate]]).clip(0)
            axes.errorbar(place + offset, rate, whisker, color=GREY, capsize=2, linewidth=1)
        top = max(rate, interval[1]) if interval else rate
        axes.annotate(
            f"{rate:.1%}",
            (place + offset, top),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="x-small",
        )
