"""The book from left to right: each column of the picture is a run of characters, darker where p_z is larger.

- **Two strips.** The larger strip shows the coverage that the settings name: by default characters covered *as suffix*,
  which the model scores. The other strip shows characters covered *anywhere in a window*, prompts included.
- **Colour** is the largest p_z of the windows that cover the character, on a logarithmic scale with a mark at the
  evidence floor, 0.1%. All values of 0.01% and below have the same colour. Where no window of the text reaches the
  floor, colours begin lower: at the controls' threshold t ([calibration.json](calibration.md)), so that a coloured
  character lies above the controls; or, where the text has no window above t, at its median window.
- **Bands**, with controls: a strip shows what is *like unseen text*, only *above controls* (above t), and
  *extractable* (above t, and in 1,000 tries drawn with a probability of 99%). Hatched in colour is what is as *easily
  drawn, not above* t: controls have it too. Hatched in grey is what is *left out*: not measured, or only by windows
  that are repetitive. The legend has each band's share of the characters. A single character has no error rate; t has
  one.
- **Hatching** marks characters that cannot be measured or were not selected; it does not mean zero. A column with a
  measured character is not hatched. The axis says how much is hatched.
- **A selection** by `only` is shown from its first character to its last.
- **A column shows its largest value**, not its mean: a single line that the model knows stays visible in a book of
  any length.
- **Chapters** are marked above the larger strip, and named where there is room.
- **The footer** says what was measured, and gives the coverage of the book and of the control.

Settings: `coverage`, `plot_title` (for books, not for controls), `colormap` (sequential maps that keep their order in
grey), `figsize` in inches, and `dpi`, which holds for all charts.

```sh
byheart run figsize=12x3 dpi=150 colormap=cividis "plot_title=The Soap Winter"
```
"""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from byheart.components.plot.chapter_marks import mark_chapters
from byheart.components.plot.frame import ChartData, choose_letter_points, make_figure
from byheart.components.plot.p_z_range import find_lowest_colour, list_colour_ticks
from byheart.contracts.books import BOOK
from byheart.measures.calibration.bands import Band, paint
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.schemes import Coverages

POSITION = 1
_STRIPS = {"suffix": "as suffix", "window": "in a window"}
_BANDS = {
    Band.LIKE_UNSEEN: ("like unseen text", 0.0),
    Band.EASY: ("easily drawn, not above", 0.35),
    Band.ABOVE_CONTROLS: ("above controls", 0.35),
    Band.EXTRACTABLE: ("extractable", 0.85),
}
"""The name of each band, and its colour as a share of the colormap."""
_ROOM = 3.0
"""The room on the scale of colours between 50% and 100%, in points for each inch of the picture's height."""
_NOT_MEASURABLE: dict[str, Any] = {"facecolor": "#e5e5e5", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}


def draw(data: ChartData) -> Figure:
    """The strips of a book, the chosen coverage first and larger; with controls, a strip of bands between them."""
    settings, book, selection = data.settings, data.measured.book, data.measured.selection
    width, points = settings.size[0], choose_letter_points(settings.size)
    small = 0.83 * points
    start, stop = selection.bounds
    maps = data.measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    question = f"How much of “{book.called}” does {data.model} know by heart?"
    title = settings.plot_title if settings.plot_title and book.role == BOOK else question
    figure = make_figure(data, title, settings.size, _write_remark(data), points)
    bands, lowest = paint_characters(data), find_lowest_colour(data)
    columns = max(int(width * settings.dpi) // 2, 1)

    axes = figure.subplots(2 if bands is None else 4, 1, height_ratios=[3, 1] if bands is None else [3, 0.8, 0.8, 0.6])
    strips = list(axes[:2] if bands is None else axes[[0, 2]])
    for strip, (name, covered) in zip(strips, maps.list_chosen_first(settings.coverage), strict=True):
        _draw_strip(strip, covered, start, settings.colormap, lowest, columns)
        strip.set_ylabel(_STRIPS[name], rotation=0, ha="right", va="center", fontsize=small)
    if bands is not None:
        _draw_bands(axes[1], bands[start:stop], start, settings.colormap, columns)
        axes[1].set_ylabel("bands", rotation=0, ha="right", va="center", fontsize=small)
        _draw_legend(axes[3], bands[start:stop], settings.colormap, small)
    for strip in axes[: len(strips) if bands is None else 3]:
        strip.tick_params(bottom=strip is strips[-1], labelbottom=strip is strips[-1], labelsize=small)
    hatching = _describe_hatching(maps, data.measured.not_asked)
    strips[-1].set_xlabel(f"character of the book{hatching}", fontsize=small)
    strips[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    mark_chapters(axes[0], book.chapters, (start, stop), inches=0.78 * width, points=small)

    mappable = mpl.cm.ScalarMappable(Normalize(lowest, 0), settings.colormap)
    bar = figure.colorbar(mappable, ax=list(axes), pad=0.01, aspect=12)
    ticks = list_colour_ticks(lowest)
    if _ROOM * settings.size[1] < small:
        ticks.pop(math.log10(HEADLINE_THRESHOLD), None)
    bar.set_ticks(list(ticks), labels=list(ticks.values()), fontsize=small)
    bar.set_label("$p_z$ of the best window\nover the character", fontsize=small)
    return figure


def paint_characters(data: ChartData) -> np.ndarray | None:
    """int8 [C]: the band of each character; None without a threshold from controls."""
    calibration = data.calibration
    if not (data.comparison and calibration and calibration.windows_t and calibration.characters_t):
        return None
    return paint(data.comparison.book.document, calibration.windows_t, calibration.characters_t).characters


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
    coverage = data.settings.coverage
    if not data.control:
        return f"{coverage} coverage"
    shares = [
        rates.plain.coverage_at.choose(coverage)[HEADLINE_THRESHOLD].share for rates in (data.rates, data.control.rates)
    ]
    comparison = " against ".join("no share" if share is None else f"{share:.1%}" for share in shares)
    controls = f"control{'s' * (len(data.control.books) > 1)} ({', '.join(data.control.books)})"
    return f"{coverage} coverage at p_z ≥ 50%: {comparison} of the {controls}"


def _draw_strip(axes: Axes, covered: CharacterMap, start: int, colormap: str, lowest: int, columns: int) -> None:
    """Draw a strip of the map, whose first character is at position `start`."""
    values = compute_column_maxima(covered, columns)
    image = np.ma.masked_invalid(values[None]).clip(lowest)
    _show(axes, image, start, start + len(covered.window), cmap=colormap, norm=Normalize(lowest, 0))


def _draw_bands(axes: Axes, bands: np.ndarray, start: int, colormap: str, columns: int) -> None:
    """Draw the strongest band in each column of characters."""
    values = np.maximum.reduceat(bands, _list_firsts(len(bands), columns))
    colours = mpl.colormaps[colormap]([at for _, at in _BANDS.values()])
    image = np.ma.masked_less(values[None], 0)
    _show(axes, image, start, start + len(bands), cmap=ListedColormap(colours), norm=Normalize(-0.5, 3.5))
    if (values == Band.EASY).any():
        edges = start + np.append(_list_firsts(len(bands), columns), len(bands))
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
            facecolor=colour, edgecolor="0.6" if band is Band.NONE else "0.5", linewidth=0.5, label=label,
            hatch="////" if band in (Band.EASY, Band.NONE) else None,
        )
        for band, label, colour in list_bands(bands, colormap)
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", ncols=len(handles), fontsize=points, frameon=False,
        borderpad=0, borderaxespad=0, handlelength=1.2, columnspacing=1.2,
    ).set_in_layout(False)  # fmt: skip


def list_bands(bands: np.ndarray, colormap: str) -> list[tuple[Band, str, str]]:
    """The bands with their names and shares of the characters, and their colours; EASY only where there is some."""
    shown = [band for band in _BANDS if band is not Band.EASY or (bands == band).any()]
    return [
        (band, f"{_BANDS[band][0]} {(bands == band).mean():.1%}", to_hex(mpl.colormaps[colormap](_BANDS[band][1])))
        for band in shown
    ] + [(Band.NONE, f"left out {(bands == Band.NONE).mean():.1%}", _NOT_MEASURABLE["facecolor"])]


def compute_column_maxima(covered: CharacterMap, columns: int) -> np.ndarray:
    """The largest log10 p_z in each of at most `columns` equal runs of characters; NaN where none is measurable.

    The maximum keeps a memorised line visible however many characters share its column.
    """
    return np.fmax.reduceat(covered.log_p_z, _list_firsts(len(covered.window), columns)) / np.log(10)


def _list_firsts(characters: int, columns: int) -> np.ndarray:
    """The first character of each column."""
    columns = min(columns, characters)
    return np.arange(columns) * characters // columns
