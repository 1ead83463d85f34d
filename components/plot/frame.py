"""What all charts share: their data, the figure with its title and footer, and the files."""

import dataclasses
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from byheart.contracts.settings import ChartSettings
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.stretches import Comparison
from byheart.measures.control import Control
from byheart.measures.measured import MeasuredBook
from byheart.measures.rates import Rates
from byheart.measures.schemes import Schemes

FORMATS = ("png", "svg")
SIZE = (9.0, 5.0)
"""The size in inches of every chart but the heat map."""
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
    control: Control | None
    comparison: Comparison | None
    """The book's stretch and those of its controls; None without controls."""
    calibration: Calibration | None
    settings: ChartSettings
    model: str
    footer: str
    """A sentence or two on what was measured and how."""


def make_figure(data: ChartData, question: str, size: tuple[float, float] = SIZE, remark: str = "") -> Figure:
    """An empty figure with a title and a footer.

    Args:
        question: the title.
        size: inches.
        remark: the chart's own text in the footer.
    """
    points = choose_letter_points(size)
    figure = Figure(figsize=size, dpi=data.settings.dpi, layout="constrained")
    title = textwrap.fill(question, int(108 * size[0] / points))
    figure.suptitle(title, x=0.01, ha="left", fontsize=1.2 * points, **_PLAIN)
    footer = textwrap.fill(" · ".join(filter(None, (remark, data.footer))), int(170 * size[0] / points))
    figure.supxlabel(footer, x=0.01, ha="left", fontsize=0.7 * points, color="0.35", **_PLAIN)
    return figure


def choose_letter_points(size: tuple[float, float]) -> float:
    """The font size for a picture of `size` inches, in points: 10, or less in a small picture."""
    return 10 * min(1.0, size[0] / 10, size[1] / 2.6)


def write_figure(figure: Figure, path: Path) -> None:
    """Write the figure in each format, at `path` with the format's suffix; equal figures give equal bytes."""
    FigureCanvasAgg(figure).print_png(path.with_suffix(".png"), metadata={"Software": None})
    with mpl.rc_context({"svg.hashsalt": "byheart"}):
        FigureCanvasSVG(figure).print_svg(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def tidy_axes(axes: Axes) -> None:
    """Remove the upper and the right spine, and make tick labels small."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def format_thresholds(thresholds: tuple[float, ...]) -> Iterator[str]:
    """Probabilities as text for people: 0.1%, 50%."""
    return (f"{threshold:.3%}".rstrip("%").rstrip("0").rstrip(".") + "%" for threshold in thresholds)
