"""The heat map as strips: the book from left to right, each column a run of characters."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from byheart.components.plot.chapter_marks import mark_chapters
from byheart.components.plot.frame import ChartData, choose_letter_points, make_figure
from byheart.components.plot.maps.painting import (
    compute_column_maxima,
    find_column_bands,
    name_bands,
    paint_characters,
    show_shares,
)
from byheart.components.plot.p_z_range import find_lowest_colour, list_colour_ticks
from byheart.contracts.spellings import AUTO_COLORMAP
from byheart.measures.calibration.bands import Band
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.schemes import Coverages
from byheart.pages.strips import list_firsts

_STRIPS = {"suffix": "as suffix", "window": "in a window"}
_COLORMAP = "Blues"
"""Where settings choose none."""
_BANDS = {Band.LIKE_UNSEEN: 0.0, Band.EASY: 0.35, Band.ABOVE_CONTROLS: 0.35, Band.EXTRACTABLE: 0.85}
"""The colour of each band, as a share of the colormap."""
_ROOM = 3.0
"""The room on the scale of colours between 50% and 100%, in points for each inch of the picture's height."""
_NOT_MEASURABLE: dict[str, Any] = {"facecolor": "#e5e5e5", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}


def draw_strips(data: ChartData, title: str, size: tuple[float, float]) -> Figure:
    """The strips of a book, the chosen coverage first and larger; with controls, a strip of bands between them.

    Args:
        size: inches.
    """
    settings, book, selection = data.settings, data.measured.book, data.measured.selection
    colormap = _COLORMAP if settings.colormap == AUTO_COLORMAP else settings.colormap
    width, points = size[0], choose_letter_points(size)
    small = 0.83 * points
    start, stop = selection.bounds
    maps = data.measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    figure = make_figure(data, title, size, _write_remark(data), points)
    bands, lowest = paint_characters(data), find_lowest_colour(data)
    columns = max(int(width * settings.dpi) // 2, 1)

    axes = figure.subplots(2 if bands is None else 4, 1, height_ratios=[3, 1] if bands is None else [3, 0.8, 0.8, 0.6])
    strips = list(axes[:2] if bands is None else axes[[0, 2]])
    for strip, (name, covered) in zip(strips, maps.list_chosen_first(settings.coverage), strict=True):
        _draw_strip(strip, covered, start, colormap, lowest, columns)
        strip.set_ylabel(_STRIPS[name], rotation=0, ha="right", va="center", fontsize=small)
    if bands is not None:
        _draw_bands(axes[1], bands[start:stop], start, colormap, columns)
        axes[1].set_ylabel("bands", rotation=0, ha="right", va="center", fontsize=small)
        _draw_legend(axes[3], bands[start:stop], colormap, small)
    for strip in axes[: len(strips) if bands is None else 3]:
        strip.tick_params(bottom=strip is strips[-1], labelbottom=strip is strips[-1], labelsize=small)
    hatching = _describe_hatching(maps, data.measured.not_asked)
    strips[-1].set_xlabel(f"character of the book{hatching}", fontsize=small)
    strips[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    mark_chapters(axes[0], book.chapters, (start, stop), inches=0.78 * width, points=small)

    mappable = mpl.cm.ScalarMappable(Normalize(lowest, 0), colormap)
    bar = figure.colorbar(mappable, ax=list(axes), pad=0.01, aspect=12)
    ticks = list_colour_ticks(lowest)
    if _ROOM * size[1] < small:
        ticks.pop(math.log10(HEADLINE_THRESHOLD), None)
    bar.set_ticks(list(ticks), labels=list(ticks.values()), fontsize=small)
    bar.set_label("$p_z$ of the best window\nover the character", fontsize=small)
    return figure


def _describe_hatching(maps: Coverages[CharacterMap], not_asked: Coverages[np.ndarray]) -> str:
    """What the hatching means, and how much of the map is not measured."""
    both = maps.list_chosen_first("suffix")
    missing = {name: float(1 - covered.measurable.mean()) for name, covered in both}
    if not any(missing.values()):
        return ""
    shares = ", ".join(f"{share:.1%} {_STRIPS[name]}" for name, share in missing.items())
    why = "not selected, or not measurable" if not_asked.suffix.any() or not_asked.window.any() else "not measurable"
    return f"; hatched: {why} ({shares})"


def _write_remark(data: ChartData) -> str:
    """The coverage and the shares of book and control; the control is a number because its map has another axis."""
    own, of_controls = show_shares(data)
    if of_controls is None or not data.control:
        return f"{data.settings.coverage} coverage"
    controls = f"control{'s' * (len(data.control.books) > 1)} ({', '.join(data.control.books)})"
    return f"{data.settings.coverage} coverage at p_z ≥ 50%: {own} against {of_controls} of the {controls}"


def _draw_strip(axes: Axes, covered: CharacterMap, start: int, colormap: str, lowest: int, columns: int) -> None:
    """Draw a strip of the map, whose first character is at position `start`."""
    values = compute_column_maxima(covered, columns) / np.log(10)
    image = np.ma.masked_invalid(values[None]).clip(lowest)
    _show(axes, image, start, start + len(covered.window), cmap=colormap, norm=Normalize(lowest, 0))


def _draw_bands(axes: Axes, bands: np.ndarray, start: int, colormap: str, columns: int) -> None:
    """Draw the strongest band in each column of characters."""
    values = find_column_bands(bands, columns)
    colours = mpl.colormaps[colormap](list(_BANDS.values()))
    image = np.ma.masked_less(values[None], 0)
    _show(axes, image, start, start + len(bands), cmap=ListedColormap(colours), norm=Normalize(-0.5, 3.5))
    if (values == Band.EASY).any():
        edges = start + np.append(list_firsts(len(bands), columns), len(bands))
        for index in np.flatnonzero(values == Band.EASY):
            axes.axvspan(edges[index], edges[index + 1], fill=False, edgecolor="0.3", hatch="////", lw=0, zorder=3)


def _show(axes: Axes, image: np.ndarray, start: int, stop: int, **style: Any) -> None:
    """Draw an image of one row over hatching, which is seen where the image is masked."""
    axes.axvspan(start, stop, **_NOT_MEASURABLE)
    axes.imshow(image, aspect="auto", interpolation="nearest", extent=(start, stop, 0, 1), zorder=2, **style)
    axes.set_yticks([])
    axes.set_xlim(start, stop)


def _draw_legend(axes: Axes, bands: np.ndarray, colormap: str, points: float) -> None:
    """The colours of the bands, with their shares of the characters."""
    axes.set_axis_off()
    handles = [
        Patch(
            facecolor=mpl.colormaps[colormap](_BANDS[band]) if band in _BANDS else _NOT_MEASURABLE["facecolor"],
            edgecolor="0.6" if band is Band.NONE else "0.5", linewidth=0.5, label=label,
            hatch="////" if band in (Band.EASY, Band.NONE) else None,
        )
        for band, label in name_bands(bands).items()
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", ncols=len(handles), fontsize=points, frameon=False,
        borderpad=0, borderaxespad=0, handlelength=1.2, columnspacing=1.2,
    ).set_in_layout(False)  # fmt: skip
