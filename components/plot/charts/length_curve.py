"""The share of windows whose first k suffix tokens are together at least as probable as 50%, 10% or 0.1%.

The curves at the right end, where k is all suffix tokens, are the rates of p_z. Where these are 0, shorter beginnings
show what a model has kept: it may give eight tokens where it never gives fifty. Solid lines are the book. Dashed lines
are the highest of the controls at each k: short beginnings are easy in any text, and only what lies above the dashed
line of its colour can show memory.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from byheart.components.plot.frame import (
    BLUE,
    GREEN,
    ORANGE,
    ChartData,
    describe_best,
    format_thresholds,
    make_figure,
    say_instead,
    tidy_axes,
    write_name,
)
from byheart.measures.recall import LENGTH_THRESHOLDS

POSITION = 7
_COLOURS = dict(zip(LENGTH_THRESHOLDS, (ORANGE, GREEN, BLUE), strict=True))


def draw(data: ChartData) -> Figure:
    """A curve over k for each threshold, the book's solid and the controls' dashed."""
    recalls = [data.recall, *([data.control.recall] if data.control else [])]
    most = max(int(recall.tokens.max(initial=0)) for recall in recalls)
    called, own = data.measured.book.called, data.recall.compute(most)
    question = f"How many tokens of “{called}” does {data.model} continue?"
    if own is None:
        return say_instead(data, question, describe_best(data))
    least = 0.5 / len(data.recall.bits)
    figure = make_figure(data, question)
    axes = figure.subplots()
    k = np.arange(1, most + 1)
    controls = data.control.books if data.control else []
    who = write_name(controls[0]) if len(controls) == 1 else f"highest of {len(controls)} controls"
    styles: list[tuple[str, Mapping[float, ArrayLike], dict[str, Any]]] = [
        (write_name(called), own.length_curve, {"linewidth": 1.8}),
        (who, compute_highest_control(data, most), {"linewidth": 1.2, "linestyle": "--"}),
    ]
    for name, curves, style in styles:
        for threshold, curve in curves.items():
            (shown,) = format_thresholds((threshold,))
            label = f"{name}, $p$ ≥ {shown}"
            axes.plot(k, _end_at_zero(np.asarray(curve), least), color=_COLOURS[threshold], label=label, **style)
    axes.set(xlim=(1, max(len(k), 2)), ylim=(least, 1.1), yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
    axes.set_xlabel("k, the first tokens of a suffix", fontsize="small")
    axes.set_ylabel("share of windows", fontsize="small")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.13), ncols=2, fontsize="small", frameon=False)
    tidy_axes(axes)
    return figure


def compute_highest_control(data: ChartData, most: int) -> dict[float, np.ndarray]:
    """By threshold, float64 [S]: the largest share of any control at each k; empty without windows of controls.

    Args:
        most: S.
    """
    if not data.control:
        return {}
    stops = np.cumsum([len(document) for document in data.control.documents])
    parts = np.split(np.arange(len(data.control.recall.bits)), stops[:-1])
    curves = [found.length_curve for part in parts if (found := data.control.recall.select(part).compute(most))]
    return {at: np.max([curve[at] for curve in curves], axis=0) for at in LENGTH_THRESHOLDS} if curves else {}


def _end_at_zero(curve: np.ndarray, least: float) -> np.ndarray:
    """The curve down to its first zero, which is drawn at `least`; NaN after it."""
    zeros = np.cumsum(curve <= 0)
    return np.where(zeros == 0, curve, np.where(zeros == 1, least, np.nan))
