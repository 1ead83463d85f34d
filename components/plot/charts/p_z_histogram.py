"""The distribution of p_z over the windows of the book; both axes are logarithmic.

The white area at the right lies above the evidence floor, 0.1%, which is a convention; what lies above 0.01% is
enlarged, in narrower bins. Where no window reaches that, the axis ends at the best window of book and controls. The
control books of the run are dashed, and the control sample (the same book's suffixes under other prompts) is dotted;
each line shows shares of its own windows. The line t is the threshold from the controls
([calibration.json](calibration.md)). A bar at the left edge that is marked ≤ counts all windows below 10^-300.
"""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from byheart.components.plot.frame import (
    BELOW_FLOOR,
    BLUE,
    GREEN,
    ORANGE,
    ChartData,
    make_figure,
    write_name,
)
from byheart.components.plot.p_z_range import SPLIT, draw_legend, make_window_axes
from byheart.measures.discoverable import EVIDENCE_FLOOR

POSITION = 2
_LOWEST = -300
"""The log10 p_z below which all windows share a bin."""
_MOST_BINS = 60
"""The most bins below the split: each holds half a decade, or as many whole ones as it takes."""
_BINS_ABOVE = 4
"""Bins in a decade above the split."""


def draw(data: ChartData) -> Figure:
    """Shares of windows by log10 p_z, both axes logarithmic; the evidence floor is where the shading stops."""
    measured, calibration = data.measured, data.calibration
    name = write_name(measured.book.called)
    groups = [(f"{name}, {len(measured.windows):,} windows", measured.schemes.plain.log_p_z, BLUE, "-")]
    if data.control:
        values, controls = data.control.log_p_z.plain, write_name(", ".join(data.control.books), 60)
        groups.append((f"control, {len(values):,} windows of {controls}", values, ORANGE, "--"))
    if len(measured.sample):
        values = measured.sample_scores.log_p_z
        groups.append((f"control sample, {len(values):,} suffixes under other prompts", values, GREEN, ":"))
    t = calibration.windows_t if calibration else None
    has_t = t is not None and t.value / math.log(10) > _LOWEST
    least = min((values.min() for _, values, *_ in groups if len(values)), default=0.0) / math.log(10)
    lowest = max(min(math.floor(least), SPLIT), _LOWEST)

    figure = make_figure(data, f"How probable are the suffixes of “{measured.book.called}” to {data.model}?")
    parts, below = make_window_axes(figure, lowest, [values for _, values, *_ in groups])
    highest = parts[-1].get_xlim()[1]
    edges = _list_edges(lowest)
    floor = math.log10(EVIDENCE_FLOOR)
    for axes in parts:
        for number, (label, values, colour, line) in enumerate(groups):
            counts, _ = np.histogram((values / math.log(10)).clip(lowest, 0), edges)
            shares = counts / max(len(values), 1)
            axes.stairs(shares, edges, label=label, color=colour, linestyle=line, linewidth=1.5, baseline=1e-12)
            if not number:
                axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35, baseline=1e-12)
        if t and has_t:
            shown = f"t, $10^{{{t.value / math.log(10):.1f}}}$, from the controls"
            axes.axvline(t.value / math.log(10), color="black", linewidth=1.0, linestyle="--", label=shown)
        if highest == 0:
            axes.axvspan(lowest, floor, **BELOW_FLOOR)
    note, x = (f" floor, {EVIDENCE_FLOOR:.1%}", floor) if highest == 0 else (" no window reaches 0.01%", lowest)
    parts[-1].annotate(
        note, (x, 1), xycoords=parts[-1].get_xaxis_transform(), ha="left", va="top", fontsize="small", color="0.35"
    )
    parts[0].set(ylim=(0.5 / max(len(measured.windows), 1), 1.0), yscale="log")
    parts[0].yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
    parts[0].set_ylabel("share of windows in each bin", fontsize="small")
    if lowest == _LOWEST:
        parts[0].set_xticks([_LOWEST, -200, -100], ["≤ 10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰"])
    draw_legend(parts, below)
    return figure


def _list_edges(lowest: int) -> np.ndarray:
    """The edges of the bins, log10 p_z, ascending; the first bin may be narrower."""
    decades = SPLIT - lowest
    width = next(width for width in (0.5, 1, 2, 5) if decades / width <= _MOST_BINS)
    below = np.arange(SPLIT - width, lowest, -width)[::-1] if decades else np.array([])
    start = [lowest] if decades else []
    return np.concatenate([start, below, np.linspace(SPLIT, 0, -SPLIT * _BINS_ABOVE + 1)])
