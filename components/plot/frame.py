"""What all charts share: their data, the figure with its title and footer, and the files."""

import dataclasses
import math
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from byheart.contracts.foreign import spell_out_line
from byheart.contracts.setting_groups import ChartSettings
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.stretches import Comparison
from byheart.measures.control import Control
from byheart.measures.measured import MeasuredBook
from byheart.measures.rates import Rates
from byheart.measures.recall import WindowRecall
from byheart.measures.schemes import Schemes

mpl.rcdefaults()  # a person's matplotlibrc does not change the pictures
FORMATS = ("png", "svg")
SIZE = (7.6, 4.6)
"""The size in inches of every chart but the heat map: as wide as the page shows it, so that 8 points stay 8 points."""
_COLUMN = 8.7
"""The width in inches at which README and documents show a picture."""
_SMALL = 0.83
"""Small text over plain text, as matplotlib's `small`."""
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555"
"""From the palette of Okabe and Ito for colour-blind people; https://jfly.uni-koeln.de/color/."""
BELOW_FLOOR: dict[str, Any] = {"color": "0.93", "linewidth": 0, "zorder": 0}
_PLAIN: dict[str, Any] = {"parse_math": False}
"""A $ in a title or a path stays a $."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChartData:
    """The data of a book's charts."""

    measured: MeasuredBook
    rates: Schemes[Rates]
    recall: WindowRecall
    control: Control | None
    comparison: Comparison | None
    """The book's stretch and those of its controls; None without controls."""
    calibration: Calibration | None
    settings: ChartSettings
    model: str
    footer: str
    """A sentence or two on what was measured and how."""


def make_figure(
    data: ChartData, question: str, size: tuple[float, float] = SIZE, remark: str = "", points: float = 10.0
) -> Figure:
    """An empty figure with a title and a footer.

    Args:
        question: the title.
        size: inches.
        remark: the chart's own text in the footer.
        points: the size of letters; small ones are 0.83 of it, and never below 8 points at the default.
    """
    figure = Figure(figsize=size, dpi=data.settings.dpi, layout="constrained")
    title = textwrap.fill(spell_out_line(question), int(104 * size[0] / points))
    figure.suptitle(title, x=0.01, ha="left", fontsize=1.2 * points, **_PLAIN)
    footer = textwrap.fill(spell_out_line(" · ".join(filter(None, (remark, data.footer)))), int(155 * size[0] / points))
    figure.supxlabel(footer, x=0.01, ha="left", fontsize=_SMALL * points, color="0.35", **_PLAIN)
    return figure


def choose_letter_points(size: tuple[float, float]) -> float:
    """The size of letters in a map of `size` inches, in points: 10, so that small letters have 8.

    It is more in a wide map, which is shown smaller than it is, and less in one that has no room for such letters.
    """
    width, height = size
    return 10 * min(max(min(width / SIZE[0], 1.0), width / _COLUMN), height / 2.6)


def write_figure(figure: Figure, path: Path) -> None:
    """Write the figure in each format, at `path` with the format's suffix; equal figures give equal bytes."""
    FigureCanvasAgg(figure).print_png(path.with_suffix(".png"), metadata={"Software": None})
    figure.set_layout_engine("none")  # which keeps the layout that it has: to find it takes longer than to draw
    with mpl.rc_context({"svg.hashsalt": "byheart"}):
        FigureCanvasSVG(figure).print_svg(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def say_instead(data: ChartData, question: str, sentence: str) -> Figure:
    """A figure that says in a sentence what axes would show as nothing."""
    figure = make_figure(data, question, (SIZE[0], 1.8))
    figure.text(0.5, 0.55, textwrap.fill(sentence, 90), ha="center", va="center", fontsize="medium")
    return figure


def describe_best(data: ChartData) -> str:
    """A sentence on the most probable window of the book and of the controls."""
    own = f"The best window has p_z = {_format_power(data.measured.schemes.plain.log_p_z)}"
    if not data.control:
        return f"{own}."
    return f"{own}, the controls' best {_format_power(data.control.log_p_z.plain)}."


def _format_power(log_p_z: np.ndarray) -> str:
    """The largest, as matplotlib sets it."""
    largest = log_p_z.max(initial=-math.inf) / math.log(10)
    return f"$10^{{{largest:.1f}}}$" if math.isfinite(largest) else "0"


def write_name(name: str, letters: int = 40) -> str:
    """A name for a label, in quotation marks: shortened, and safe from matplotlib.

    To it two $ are mathematics, and legends leave out labels that begin with _.

    Args:
        letters: the most of them.
    """
    shown = spell_out_line(name)
    shown = shown if len(shown) <= letters else f"{shown[: letters - 1]}…"
    return f"“{shown}”".replace("$", r"\$")


def tidy_axes(axes: Axes) -> None:
    """Remove the upper and the right spine, and make tick labels small."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def format_thresholds(thresholds: tuple[float, ...]) -> Iterator[str]:
    """Probabilities as text for people: 0.1%, 50%."""
    return (f"{threshold:.3%}".rstrip("%").rstrip("0").rstrip(".") + "%" for threshold in thresholds)
