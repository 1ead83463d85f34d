"""What all charts share: the subject, the frame around the picture, and the files."""

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
from byheart.measures.control import Control
from byheart.measures.measured import MeasuredBook
from byheart.measures.rates import Rates
from byheart.measures.schemes import Schemes

FORMATS = ("png", "svg")
SIZE = (9.0, 5.0)
"""Inches, of every chart but the heat map."""
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555"
"""From Okabe and Ito's palette, which the colour-blind can tell apart; https://jfly.uni-koeln.de/color/."""
BELOW_FLOOR: dict[str, Any] = {"color": "0.93", "linewidth": 0, "zorder": 0}
_PLAIN: dict[str, Any] = {"parse_math": False}
"""A $ in a title or a path is a $."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """What a chart is about."""

    measured: MeasuredBook
    rates: Schemes[Rates]
    control: Control | None
    settings: ChartSettings
    model: str
    footer: str
    """What was measured and how, in a sentence or two."""


def frame(subject: Subject, question: str, size: tuple[float, float] = SIZE, remark: str = "") -> Figure:
    """An empty figure with a title and a footer.

    Args:
        question: the title.
        size: inches.
        remark: what the chart itself has to say in the footer.
    """
    points = lettering(size)
    figure = Figure(figsize=size, dpi=subject.settings.dpi, layout="constrained")
    title = textwrap.fill(question, int(108 * size[0] / points))
    figure.suptitle(title, x=0.01, ha="left", fontsize=1.2 * points, **_PLAIN)
    footer = textwrap.fill(" · ".join(filter(None, (remark, subject.footer))), int(170 * size[0] / points))
    figure.supxlabel(footer, x=0.01, ha="left", fontsize=0.7 * points, color="0.35", **_PLAIN)
    return figure


def lettering(size: tuple[float, float]) -> float:
    """The size of ordinary letters in a picture of `size` inches, in points: 10, or less in a small one."""
    return 10 * min(1.0, size[0] / 10, size[1] / 2.6)


def write(figure: Figure, path: Path) -> None:
    """Write the figure beside `path`, once with each format's suffix; the same figure gives the same bytes."""
    FigureCanvasAgg(figure).print_png(path.with_suffix(".png"), metadata={"Software": None})
    with mpl.rc_context({"svg.hashsalt": "byheart"}):
        FigureCanvasSVG(figure).print_svg(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def tidy(axes: Axes) -> None:
    """Take away what says nothing: the upper and the right spine, and large figures at the ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def thresholds_shown(thresholds: tuple[float, ...]) -> Iterator[str]:
    """Probabilities as people write them: 0.1%, 50%."""
    return (f"{threshold:.3%}".rstrip("%").rstrip("0").rstrip(".") + "%" for threshold in thresholds)
