"""The heat map: the book from left to right, darker where the model is surer of the text."""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from components.contracts.settings import ChartSettings
from components.plot.character_map import CharacterMap

_LOWEST = 1e-4
"""The p_z from which on down everything is drawn alike: a tenth of the evidence floor."""
_TICKS = {1e-4: "≤ 0.01%", 1e-3: "0.1%", 1e-2: "1%", 1e-1: "10%", 0.5: "50%", 1.0: "100%"}
_STRIPS = {
    "suffix": "as suffix",
    "window": "anywhere\nin a window",
}
_NOT_MEASURABLE: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}


def draw(path: str | Path, maps: dict[str, CharacterMap], settings: ChartSettings, *, title: str, footer: str) -> None:
    """Write the heat map of one book as PNG: two strips, the chosen coverage first and larger.

    Args:
        maps: the map over suffixes as `suffix`, and over whole windows as `window`.
        footer: what was measured and how, in a sentence or two.
    """
    figure = Figure(figsize=settings.size, dpi=settings.dpi, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    first, second = sorted(_STRIPS, key=lambda name: name != settings.coverage)
    axes = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    columns = max(int(settings.size[0] * settings.dpi) // 2, 1)
    for strip, name in zip(axes, (first, second), strict=True):
        _strip(strip, maps[name], settings.colormap, columns)
        strip.set_ylabel(_STRIPS[name], rotation=0, ha="right", va="center", fontsize="small")
    plain: dict[str, Any] = {"x": 0.01, "ha": "left", "parse_math": False}  # a $ in a title or a path is a $
    figure.suptitle(textwrap.fill(title, int(9 * settings.size[0])), **plain)
    axes[0].tick_params(bottom=False)
    axes[1].set_xlabel("character of the book", fontsize="small")
    axes[1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[1].tick_params(labelsize="small")

    mappable = mpl.cm.ScalarMappable(LogNorm(_LOWEST, 1.0), settings.colormap)
    bar = figure.colorbar(mappable, ax=axes, pad=0.01, aspect=12)
    bar.set_ticks(list(_TICKS), labels=list(_TICKS.values()), fontsize="small")
    bar.minorticks_off()
    bar.set_label("$p_z$ of the best window\nover the character", fontsize="small")
    if not all(covered.measurable.all() for covered in maps.values()):
        axes[0].legend(
            handles=[Patch(label="not measurable", **_NOT_MEASURABLE)],
            loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, borderaxespad=0.3, frameon=False, fontsize="small",
        )  # fmt: skip
    figure.supxlabel(textwrap.fill(footer, int(17 * settings.size[0])), fontsize="x-small", color="0.35", **plain)
    canvas.print_png(path, metadata={"Software": None})


def _strip(axes: Axes, covered: CharacterMap, colormap: str, columns: int) -> None:
    values = column_maxima(covered, columns)
    axes.axvspan(0, len(covered.window), **_NOT_MEASURABLE)
    axes.imshow(
        np.ma.masked_invalid(np.exp(values)[None].clip(_LOWEST)),
        cmap=colormap, norm=LogNorm(_LOWEST, 1.0), aspect="auto", interpolation="nearest",
        extent=(0, len(covered.window), 0, 1), zorder=2,
    )  # fmt: skip
    axes.set_yticks([])
    axes.set_xlim(0, len(covered.window))


def column_maxima(covered: CharacterMap, columns: int) -> np.ndarray:
    """The largest log_p_z in each of at most `columns` equal runs of characters; NaN where none is measurable.

    The largest, not the mean: a memorised line stays visible however many characters share its column.
    """
    characters = len(covered.window)
    columns = min(columns, characters)
    firsts = np.arange(columns) * characters // columns
    return np.fmax.reduceat(covered.log_p_z, firsts)
