"""The distribution of p_z over the windows of the book; both axes are logarithmic.

Windows in the white area at the right, above the evidence floor of 0.1%, may be called extractable. The control books
of the run are dashed, and the control sample (the same book's suffixes under other prompts) is dotted; each line shows
shares of its own windows. A bar at the left edge that is marked ≤ counts all windows below 10^-300.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from byheart.components.plot.frame import BELOW_FLOOR, BLUE, GREEN, ORANGE, ChartData, make_figure, tidy_axes
from byheart.measures.discoverable import EVIDENCE_FLOOR

POSITION = 2
_LOWEST = -300
"""The log10 p_z below which all windows share a bin."""


def draw(data: ChartData) -> Figure:
    """Shares of windows by log10 p_z, both axes logarithmic; the evidence floor is where the shading stops."""
    measured = data.measured
    groups = [(f"{measured.book.called}, {len(measured.windows):,} windows", measured.schemes.plain.log_p_z, BLUE, "-")]
    if data.control:
        values = data.control.log_p_z.plain
        groups.append((f"control, {len(values):,} windows of {', '.join(data.control.books)}", values, ORANGE, "--"))
    if len(measured.sample):
        values = measured.sample_scores.log_p_z
        groups.append((f"control sample, {len(values):,} suffixes under other prompts", values, GREEN, ":"))
    least = min((values.min() for _, values, *_ in groups if len(values)), default=0.0) / math.log(10)
    lowest = max(min(math.floor(least), -4), _LOWEST)
    edges = np.linspace(lowest, 0, -lowest * (2 if lowest > -40 else 1) + 1)

    figure = make_figure(data, f"How probable are the suffixes of “{measured.book.called}” to {data.model}?")
    axes = figure.subplots()
    for number, (label, values, colour, line) in enumerate(groups):
        _draw_steps(axes, edges, values, label=label, colour=colour, line=line, filled=not number)
    floor = math.log10(EVIDENCE_FLOOR)
    axes.axvspan(lowest, floor, **BELOW_FLOOR)
    axes.annotate(
        "evidence floor, $p_z$ = 0.1% ", (floor, 1), xycoords=axes.get_xaxis_transform(),
        ha="right", va="top", fontsize="small", color="0.35",
    )  # fmt: skip
    axes.set(xlim=(lowest, 0), yscale="log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{'≤ ' if x == _LOWEST else ''}$10^{{{x:.0f}}}$"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
    axes.set_xlabel("$p_z$, the probability of a suffix after its prompt", fontsize="small")
    axes.set_ylabel("share of windows", fontsize="small")
    axes.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), fontsize="small", frameon=False)
    tidy_axes(axes)
    return figure


def _draw_steps(
    axes: Axes, edges: np.ndarray, values: np.ndarray, *, label: str, colour: str, line: str, filled: bool
) -> None:
    counts, _ = np.histogram((values / math.log(10)).clip(edges[0], 0), edges)
    shares = counts / max(len(values), 1)
    axes.stairs(shares, edges, label=label, color=colour, linestyle=line, linewidth=1.5, baseline=1e-12)
    if filled:
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35, baseline=1e-12)
    axes.set_ylim(0.5 / max(len(values), 1), 1.0) if filled else None
