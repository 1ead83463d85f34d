"""The share of windows whose suffix n tries would draw at least once with probability p, for five p.

These are the (n, p)-discoverable extraction rates of Hayes et al. 2024. Curves are solid while only windows above the
evidence floor count, and dotted beyond. The shading begins where the first curve (p = 0.1) passes the floor. The band
is the 95% interval at p = 0.5, for other books made of such blocks; `statistics.json` has the other intervals, and the
rates for n up to 2^60. The dashed black line is the control at p = 0.5: where it rises too, the rates do not show
memorisation. Where no window reaches the evidence floor, the picture says so; of a control there is no such file then.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from byheart.components.plot.frame import (
    BELOW_FLOOR,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    ChartData,
    describe_best,
    make_figure,
    say_instead,
    tidy_axes,
)
from byheart.measures.discoverable import EVIDENCE_FLOOR, N, P, is_below_floor
from byheart.measures.rates import Rate

POSITION = 4
_STYLES = dict(zip(P, ((BLUE, "o"), (GREEN, "s"), (ORANGE, "^"), (PINK, "D"), (GREY, "v")), strict=True))
_LAST = 2**32
"""The most tries drawn; statistics.json has the rates of more tries."""
_BAND = 0.5
"""The p whose interval is drawn: five overlapping bands could not be told apart."""
_EVERY = 6
"""Points between markers, offset by curve, so that overlapping curves can be told apart."""


def draw(data: ChartData) -> Figure:
    """A curve for each p over n, solid above the evidence floor and dotted below it, where the shading begins."""
    measured = data.measured
    question = f"How much of “{measured.book.called}” would n tries draw from {data.model}?"
    probable = [measured.schemes.plain.log_p_z, *([data.control.log_p_z.plain] if data.control else [])]
    if max(values.max(initial=-math.inf) for values in probable) < math.log(EVIDENCE_FLOOR):
        return say_instead(data, question, f"No window reaches the evidence floor, 0.1%. {describe_best(data)}")
    figure = make_figure(data, question)
    axes = figure.subplots()
    for index, p in enumerate(P):
        _draw_curve(axes, data.rates.plain.discoverable[p], p, index)
    if data.control:
        axes.plot(
            N,
            _to_array(rate.share for rate in data.control.rates.plain.discoverable[_BAND]),
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
    tidy_axes(axes)
    return figure


def _draw_curve(axes: Axes, rates: list[Rate], p: float, index: int) -> None:
    colour, marker = _STYLES[p]
    values = _to_array(rate.share for rate in rates)
    low, high = (_to_array(rate.interval and rate.interval[side] for rate in rates) for side in (0, 1))
    below = np.array([is_below_floor(n, p) for n in N])
    last = int(np.flatnonzero(~below)[-1])
    style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.5}
    axes.plot(N[: last + 1], values[: last + 1], label=f"p = {p:g}", **style, markevery=(index % 3, 3))
    axes.plot(N[last:], values[last:], linestyle=":", **style, markevery=(index, _EVERY))
    if p == _BAND and np.isfinite(low).any():  # a short text has no interval, and the legend names none
        label = f"95% interval at p = {p:g}"
        axes.fill_between(N[: last + 1], low[: last + 1], high[: last + 1], color=colour, alpha=0.15, lw=0, label=label)


def _to_array(rates: Iterable[float | None]) -> np.ndarray:
    """float64 [N]: the rates, NaN where a rate is None."""
    return np.array(list(rates), np.float64)
