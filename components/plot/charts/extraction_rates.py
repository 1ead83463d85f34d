"""The share of windows that n tries would yield at least once with probability p, for five p.

These are the (n, p)-discoverable extraction rates of Hayes et al. 2024. Curves are solid as long as only windows above
the evidence floor count, and dotted beyond. Shading begins where the first of them (p = 0.1) passes it. The band is the
95% interval of the block bootstrap at p = 0.5; the others stand in `statistics.json`. The dashed black line is the
control at p = 0.5: where it rises too, the rates are no evidence. `statistics.json` has the rates for n up to 2^60.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from byheart.components.plot.frame import BELOW_FLOOR, BLUE, GREEN, GREY, ORANGE, PINK, Subject, frame, tidy
from byheart.measures.discoverable import N, P, is_below_floor
from byheart.measures.rates import Rate

PLACE = 3
_STYLES = dict(zip(P, ((BLUE, "o"), (GREEN, "s"), (ORANGE, "^"), (PINK, "D"), (GREY, "v")), strict=True))
_LAST = 2**32
"""Tries; what more would yield stands in statistics.json."""
_BAND = 0.5
"""The p whose interval is drawn: five bands on one another are none."""
_EVERY = 6
"""Points between markers, so that curves that lie on one another can be told apart."""


def draw(subject: Subject) -> Figure:
    """A curve for each p over n, solid down to the evidence floor and dotted below it, where shading begins."""
    measured = subject.measured
    figure = frame(subject, f"How much of “{measured.book.called}” would n tries draw from {subject.model}?")
    axes = figure.subplots()
    for place, p in enumerate(P):
        _curve(axes, subject.rates.plain.discoverable[p], p, place)
    if subject.control:
        axes.plot(
            N,
            _values(rate.share for rate in subject.control.rates.plain.discoverable[_BAND]),
            color="black",
            linestyle="--",
            linewidth=1.2,
            label="control, p = 0.5",
        )
    first_below = min(n for n in N for p in P if is_below_floor(n, p))
    axes.axvspan(first_below, _LAST, **BELOW_FLOOR)
    axes.annotate(
        " from here on, windows below\n the evidence floor count too", (first_below, 0.02),
        xycoords=axes.get_xaxis_transform(), va="bottom", fontsize="small", color="0.35",
    )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set(xlim=(N[0], _LAST), ylim=(0, 1.02), xticks=[2**exponent for exponent in range(0, 33, 4)])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("n, tries at each window", fontsize="small")
    axes.set_ylabel("share of windows that are\n(n, p)-discoverable", fontsize="small")
    axes.legend(loc="upper right", fontsize="small", frameon=False)
    tidy(axes)
    return figure


def _curve(axes: Axes, rates: list[Rate], p: float, place: int) -> None:
    colour, marker = _STYLES[p]
    values = _values(rate.share for rate in rates)
    low, high = (_values(rate.interval and rate.interval[side] for rate in rates) for side in (0, 1))
    below = np.array([is_below_floor(n, p) for n in N])
    last = int(np.flatnonzero(~below)[-1])
    style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.5}
    axes.plot(N[: last + 1], values[: last + 1], label=f"p = {p:g}", **style, markevery=(place % 3, 3))
    axes.plot(N[last:], values[last:], linestyle=":", **style, markevery=(place, _EVERY))
    if p == _BAND:
        label = f"95% interval at p = {p:g}"
        axes.fill_between(N[: last + 1], low[: last + 1], high[: last + 1], color=colour, alpha=0.15, lw=0, label=label)


def _values(rates: Iterable[float | None]) -> np.ndarray:
    """float64 [N], NaN where there is none."""
    return np.array(list(rates), np.float64)
