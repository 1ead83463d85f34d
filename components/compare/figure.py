"""figure.pdf and figure.svg: strips stacked on one axis for each book, for a paper; each also in a column's width."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from byheart.components.compare.sentences import choose_level, name_level
from byheart.contracts.foreign import spell_out_line
from byheart.measures.calibration.bands import Band
from byheart.measures.comparison.comparison import ModelComparison, ModelOnText, TextComparison
from byheart.measures.comparison.scored_text import Level
from byheart.measures.comparison.shades import BELOW, NOT_MEASURABLE
from byheart.measures.discoverable import STEPS
from byheart.measures.figures import label_steps, show
from byheart.pages.colours import LIGHT
from byheart.pages.strips import compute_shares

TEXT_WIDTH, COLUMN_WIDTH = 6.5, 3.3
"""Inches."""
_STRIP, _HEAD, _FOOT = 0.34, 0.3, 0.3
"""Inches of height: of a strip with its gap, of a book's title, of its axis."""
_IMAGE_COLUMNS = 900
_ROWS = 48
"""Pixels of a strip's height: in a column, each colour has its share of them."""
_PLAIN: dict[str, Any] = {"parse_math": False}
"""A $ in a name stays a $."""


def write_figures(comparison: ModelComparison, wide: Sequence[Path], narrow: Sequence[Path]) -> None:
    """Write the figure as wide as a text, and as wide as a column of two, in the formats that the paths end in."""
    for width, paths in ((TEXT_WIDTH, wide), (COLUMN_WIDTH, narrow)):
        figure = draw(comparison, width)
        for path in paths:
            if path.suffix == ".pdf":
                FigureCanvasPdf(figure).print_pdf(
                    path, metadata={"CreationDate": None, "Producer": None, "Creator": None}
                )
            else:
                with mpl.rc_context({"svg.hashsalt": "byheart"}):
                    FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None, "Creator": None})


def list_names(comparison: ModelComparison) -> list[str]:
    """What the figures write that is not byheart's own: books and models."""
    books = comparison.books
    return [text.description.called for text in books] + [model.model for text in books for model in text.measured]


def draw(comparison: ModelComparison, width: float) -> Figure:
    """The strips of every book under every model, with the coverage at the page's first level."""
    level, points = choose_level(comparison), 9.0 if width > COLUMN_WIDTH else 6.4
    heights = [_HEAD + _STRIP * len(text.measured) + _FOOT for text in comparison.books]
    total = sum(heights) + _FOOT
    figure = Figure(figsize=(width, total))
    left, right = (1.1, 0.55) if width > COLUMN_WIDTH else (0.75, 0.42)
    below = total
    for text, height in zip(comparison.books, heights, strict=True):
        below -= height
        _draw_text(figure, text, level, (left / width, 1 - right / width), (below / total, height / total), points)
    _draw_legend(figure, level, points)
    return figure


def _draw_text(
    figure: Figure,
    text: TextComparison,
    level: Level,
    sides: tuple[float, float],
    place: tuple[float, float],
    points: float,
) -> None:
    """Draw a book's strips between these sides, at this place from below with this height: shares of the figure."""
    (start, stop), (below, height) = sides, place
    inch = height / (_HEAD + _STRIP * len(text.measured) + _FOOT)
    title = spell_out_line(text.description.called)
    most = int(140 * (stop - start) * figure.get_figwidth() / (6.5 * points / 9))
    shown = title if len(title) <= most else f"{title[: most - 1]}…"
    figure.text(
        start, below + height - 0.6 * _HEAD * inch, shown, fontsize=points, weight="bold", va="center", **_PLAIN
    )
    figure.text(1 - 0.02, below + height - 0.6 * _HEAD * inch, _head(level), fontsize=0.83 * points, color=LIGHT.soft,
                ha="right", va="center")  # fmt: skip
    for index, model in enumerate(text.measured):
        bottom = below + (_FOOT + _STRIP * (len(text.measured) - index - 1) + 0.04) * inch
        axes = figure.add_axes((start, bottom, stop - start, (_STRIP - 0.08) * inch))
        _draw_strip(axes, model, text.description.characters, is_band=level.threshold is None)
        name = spell_out_line(model.model)
        name = name if len(name) <= 18 else f"{name[:17]}…"
        axes.text(-0.015, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=points, **_PLAIN)
        share = show(model.at[level].coverage) if level in model.at else "–"
        axes.text(1.015, 0.5, share, transform=axes.transAxes, va="center", fontsize=points)
        is_last = index == len(text.measured) - 1
        axes.tick_params(labelsize=0.83 * points, length=2, labelbottom=is_last, bottom=is_last, colors=LIGHT.soft)


def _head(level: Level) -> str:
    return f"≥ {name_level(level)}" if level.threshold else "above"


def _draw_strip(axes: Axes, model: ModelOnText, characters: int, *, is_band: bool) -> None:
    kinds, colours = list_kinds(model, is_band=is_band)
    axes.set_facecolor(LIGHT.page)
    if kinds and characters:
        image = stack(kinds, colours, _IMAGE_COLUMNS)
        axes.imshow(image, aspect="auto", interpolation="nearest", extent=(0, characters, 0, 1), origin="lower")
    axes.set_xlim(0, max(characters, 1))
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for spine in axes.spines.values():
        spine.set(linewidth=0.5, color=LIGHT.line)


def list_kinds(model: ModelOnText, *, is_band: bool) -> tuple[list[np.ndarray], list[str]]:
    """The kinds of characters, bool [C] each, the most known first, and their colours; none without bands."""
    if not is_band:
        shades = model.shades
        known = [shades == BELOW + step for step in range(len(STEPS), 0, -1)]
        return [*known, shades == BELOW, shades == NOT_MEASURABLE], [*LIGHT.map[::-1], LIGHT.page, LIGHT.hatching]
    if model.bands is None:
        return [], []
    order = (Band.EXTRACTABLE, Band.ABOVE_CONTROLS, Band.EASY, Band.LIKE_UNSEEN, Band.NONE)
    colours = [LIGHT.map[3], LIGHT.map[1], LIGHT.text[0], LIGHT.page, LIGHT.hatching]
    return [model.bands == band for band in order], colours


def stack(kinds: Sequence[np.ndarray], colours: Sequence[str], columns: int) -> np.ndarray:
    """float64 [rows, N, 3]: an image, the lowest row first, in which the kinds stand on one another by their shares.

    A kind that is not absent from a column has a row at least, as in the page's strips.
    """
    shares = compute_shares(kinds, columns)
    tops = np.ceil(_ROWS * np.cumsum(shares, axis=0) - 1e-9).clip(0, _ROWS)  # [kinds, N]
    kind = (np.arange(_ROWS)[:, None, None] >= tops[None]).sum(axis=1).clip(0, len(kinds) - 1)
    return np.array([to_rgb(colour) for colour in colours])[kind]


def _draw_legend(figure: Figure, level: Level, points: float) -> None:
    if level.threshold is None:
        labels = ["only above the controls", "extractable"]
        colours = [LIGHT.map[1], LIGHT.map[3]]
    else:
        labels, colours = list(label_steps()[1:]), list(LIGHT.map)
    handles = [Patch(facecolor=colour, label=label) for colour, label in zip(colours, labels, strict=True)]
    figure.legend(
        handles=handles, loc="lower center", ncols=len(handles), fontsize=0.83 * points, frameon=False, borderpad=0.2,
        handlelength=1.2, columnspacing=1.0,
    )  # fmt: skip
