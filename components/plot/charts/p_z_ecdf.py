"""The share of windows that are at least as probable, of the book and of each control by itself; both axes are
logarithmic.

Equally many windows from the middle of each text are compared, without those that are repetitive. Where the book's line
lies to the right of all controls, it is more probable than unseen text; how sure that is depends on the number of
controls, which the legend names. The lines t and census are the thresholds of
[calibration.json](calibration.md). The axis begins where the first of the texts begins to fall, and what lies above
0.01% is enlarged; where no window reaches that, the axis ends at the best window of all texts. Without controls the
book's windows are shown alone.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from byheart.components.plot.frame import BLUE, GREY, ORANGE, ChartData, make_figure, write_name
from byheart.components.plot.p_z_range import SPLIT, draw_legend, make_window_axes
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.discoverable import EVIDENCE_FLOOR

POSITION = 3
_MOST_NAMED = 4
"""With more controls, only the one that decides the census has a name and a colour."""
_LINES = ("-", "--", ":", "-.")
_LEFT = 0.01
"""The axis begins at the smallest of the texts' quantiles at this share."""


def draw(data: ChartData) -> Figure:
    """A falling line for each text, and the thresholds as upright lines."""
    measured, comparison, calibration = data.measured, data.comparison, data.calibration
    question = f"Are windows of “{measured.book.called}” more probable than unseen text to {data.model}?"
    figure = make_figure(
        data, question, remark="windows of equal stretches, repetitive ones left out" * bool(comparison)
    )
    own = comparison.book.log_p_z if comparison else measured.schemes.plain.log_p_z
    texts = [own, *(stretch.log_p_z for stretch in comparison.controls)] if comparison else [own]
    lowest = _find_left_end(texts)
    parts, below = make_window_axes(figure, lowest, texts)
    for axes in parts:
        _draw_texts(axes, data, texts, lowest)
        if calibration:
            _draw_thresholds(axes, calibration)
        if parts[-1].get_xlim()[1] == 0:
            label = "evidence floor, $p_z$ = 0.1%"
            axes.axvline(math.log10(EVIDENCE_FLOOR), color="0.5", linestyle=(0, (1, 3)), label=label)
    parts[0].set(ylim=(0.5 / max(*map(len, texts), 2), 1.15), yscale="log")
    parts[0].yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g}%"))
    parts[0].set_ylabel("share of windows\nat least as probable", fontsize="small")
    draw_legend(parts, below)
    return figure


def _draw_texts(axes: Axes, data: ChartData, texts: list[np.ndarray], lowest: int) -> None:
    """The lines of the controls and of the book, whose values come first in `texts`."""
    comparison, calibration = data.comparison, data.calibration
    if comparison and calibration:
        decided = calibration.census.decided_by if calibration.census else None
        names = [stretch.document.name for stretch in comparison.controls]
        for number, (name, values) in enumerate(zip(names, texts[1:], strict=True)):
            colour = ORANGE if decided and decided.text == name else GREY
            is_named = len(names) <= _MOST_NAMED or colour == ORANGE
            label = f"control: {write_name(name)}, {len(values):,} windows" if is_named else ""
            line = _LINES[number] if len(names) <= _MOST_NAMED else "-"
            _draw_steps(
                axes, values, lowest, label=label, color=colour, linestyle=line, linewidth=1.2 if is_named else 0.7
            )
        if len(names) > _MOST_NAMED:
            axes.plot([], [], color=GREY, linewidth=0.7, label=f"{len(names) - bool(decided):,} other controls")
    label = f"{write_name(data.measured.book.called)}, {len(texts[0]):,} windows"
    _draw_steps(axes, texts[0], lowest, label=label, color=BLUE, linestyle="-", linewidth=2.2)


def _find_left_end(texts: list[np.ndarray]) -> int:
    """log10 p_z where the axis begins: finite, and at most 10^-4."""
    finite = [values[np.isfinite(values)] for values in texts]
    least = min((np.quantile(values, _LEFT) for values in finite if len(values)), default=0.0)
    return min(math.floor(least / math.log(10)), SPLIT)


def _draw_steps(axes: Axes, log_p_z: np.ndarray, lowest: int, **style: object) -> None:
    """The share of values at or above each; the line begins at the left edge and ends at the largest value."""
    if not len(log_p_z):
        return
    ascending = np.sort(log_p_z) / math.log(10)
    shares = 1 - np.arange(len(ascending)) / len(ascending)
    axes.plot([lowest, *ascending.clip(lowest, 0)], [1.0, *shares], drawstyle="steps-pre", **style)  # type: ignore[arg-type]  # matplotlib leaves keywords untyped


def _draw_thresholds(axes: Axes, calibration: Calibration) -> None:
    census, t = calibration.census, calibration.windows_t
    is_same = census is not None and t is not None and census.value == t.value
    for threshold, name, line in ((census, "t, census" if is_same else "census", "-"), (t, "t", "--")):
        if threshold is None or threshold.log_p_z is None or (is_same and threshold is t):
            continue
        log10 = threshold.log_p_z / math.log(10)
        what = (
            f"more than {100 * threshold.q:.4g}% of an unseen book" if threshold.q else "an unseen book's best window"
        )
        often = f"at most {threshold.r} time{'s' * (threshold.r > 1)} in {calibration.controls_count + 1:,}"
        label = f"{name}, $10^{{{log10:.1f}}}$: above it lies {what} {often}"
        axes.axvline(log10, color="black", linestyle=line, linewidth=1.0, label=label)
