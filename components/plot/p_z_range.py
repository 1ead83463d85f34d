"""The range of p_z that the charts of a book show."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from byheart.components.plot.frame import ChartData, tidy_axes
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import show_power

SPLIT = -4
"""The log10 p_z where a chart of windows is enlarged, and where most maps' colours begin: a tenth of the floor."""
PERCENTS: dict[float, str] = {-4: "0.01%", -3: "0.1%", -2: "1%", -1: "10%", 0: "100%"}
"""Marks of log10 p_z from there on."""
_WIDE = (3, 2)
"""The widths of the two parts of a chart of windows."""
_MOST_MARKS = 4
"""The most marks of a scale that begins lower, between its ends."""
_STEPS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where the colours of a map begin in which no window reaches the evidence floor."""

    log_p_z: float
    is_threshold: bool
    """Whether it is t, the controls' threshold for characters; otherwise it is the text's median window."""


def find_beginning(data: ChartData) -> Beginning | None:
    """Where colours begin in a map that would otherwise be blank; None if a window reaches the floor, 0.1%.

    They begin where the book and its controls part: at t. Where there is no t below the text's best window (a control,
    a run without controls, a book like its controls), they begin at its median. None, too, where all is zero.
    """
    log_p_z = data.measured.schemes.plain.log_p_z
    finite, best = log_p_z[np.isfinite(log_p_z)], log_p_z.max(initial=-math.inf)
    if best >= math.log(EVIDENCE_FLOOR) or not len(finite):
        return None
    t = data.calibration.characters_t if data.calibration else None
    if t and -math.inf < t.value < best:
        return Beginning(log_p_z=t.value, is_threshold=True)
    return Beginning(log_p_z=float(np.median(finite)), is_threshold=False)


def find_lowest_colour(data: ChartData) -> int:
    """The log10 p_z at and below which a strip has its palest colour; the darkest is 0, which is 100%.

    It is 10^-4 if a window of the text reaches the evidence floor, otherwise where the colours begin.
    """
    beginning = find_beginning(data)
    return min(math.floor(round(beginning.log_p_z / math.log(10), 6)), SPLIT) if beginning else SPLIT


def list_colour_ticks(lowest: int) -> dict[float, str]:
    """The marks of a scale of colours: log10 p_z, and its text."""
    if lowest == SPLIT:
        marks = {**PERCENTS, math.log10(0.5): "50%"}
    else:
        step = next(step for step in _STEPS if step * _MOST_MARKS >= -lowest)
        marks = {at: show_power(at) for at in range(-step, lowest, -step) if at - lowest > step / 2}
        marks |= {lowest: show_power(lowest), 0: "100%"}
    marks[lowest] = f"≤ {marks[lowest]}"
    return dict(sorted(marks.items()))


def make_window_axes(figure: Figure, lowest: int, log_p_z: Iterable[np.ndarray]) -> tuple[list[Axes], Axes]:
    """The axes of a chart of windows over log10 p_z, and empty axes below for a legend.

    They end at 100%, and what lies above 0.01% is enlarged in axes of its own. Where no window lies there, a single one
    ends at the best window.

    Args:
        lowest: the log10 p_z where they begin.
        log_p_z: of the windows that are shown.
    """
    best = max((values.max(initial=-math.inf) for values in log_p_z), default=-math.inf) / math.log(10)
    split = lowest < SPLIT <= best
    ends = [(lowest, SPLIT), (SPLIT, 0)] if split else [(lowest, max(min(math.ceil(best), 0), lowest + 1))]
    grid = figure.add_gridspec(2, len(ends), width_ratios=_WIDE[: len(ends)], height_ratios=(1, 0.001), wspace=0.0)
    parts: list[Axes] = []
    for column, end in enumerate(ends):
        axes = figure.add_subplot(grid[0, column], sharey=parts[0] if parts else None)
        axes.set(xlim=end)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: PERCENTS.get(int(x), show_power(int(x)))))
        tidy_axes(axes)
        parts.append(axes)
    parts[0].set_xlabel("$p_z$, the probability of a suffix after its prompt", fontsize="small")
    if split:
        parts[1].set_xlabel("the same, enlarged", fontsize="small")
        parts[1].spines["left"].set_linestyle((0, (2, 3)))
        parts[1].tick_params(axis="y", which="both", left=False, labelleft=False)
        parts[0].xaxis.set_major_locator(MaxNLocator(5, integer=True, prune="upper"))
    legend = figure.add_subplot(grid[1, :])
    legend.set_axis_off()
    return parts, legend


def draw_legend(parts: list[Axes], below: Axes) -> None:
    """A legend of the first axes, in the empty axes below."""
    handles, labels = parts[0].get_legend_handles_labels()
    below.legend(handles, labels, loc="upper left", fontsize="small", frameon=False, borderpad=0, borderaxespad=0)
