"""The book from left to right: each column of the picture is a run of characters, darker where p_z is larger.

- **Two strips.** The larger strip shows the coverage that the settings name: by default characters covered *as suffix*,
  which the model scores. The other strip shows characters covered *anywhere in a window*, prompts included.
- **Colour** is the largest p_z of the windows that cover the character, on a logarithmic scale with a mark at the
  evidence floor, 0.1%. All values of 0.01% and below have the same colour.
- **Hatching** marks characters that cannot be measured or were not selected; it does not mean zero. A column with a
  measured character is not hatched. The axis says how much is hatched.
- **A selection** by `only` is shown from its first character to its last.
- **A column shows its largest value**, not its mean: a memorised line stays visible in a book of any length.
- **Chapters** are marked above the larger strip.
- **The footer** says what was measured, and gives the coverage of the book and of the control.

Settings: `coverage`, `plot_title` (for books, not for controls), `colormap` (sequential maps that keep their order in
grey), `figsize` in inches, and `dpi`, which holds for all charts.

```sh
byheart run figsize=12x3 dpi=150 colormap=cividis "plot_title=The Soap Winter"
```
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from byheart.components.plot.frame import ChartData, choose_letter_points, make_figure
from byheart.contracts.books import BOOK, Chapter
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.schemes import Coverages

POSITION = 1
LOWEST = 1e-4
"""All p_z up to this value have the same colour: a tenth of the evidence floor."""
_TICKS = {1e-4: "≤ 0.01%", 1e-3: "0.1%", 1e-2: "1%", 1e-1: "10%", 0.5: "50%", 1.0: "100%"}
_STRIPS = {"suffix": "as suffix", "window": "anywhere\nin a window"}
_NOT_MEASURABLE: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}
_LETTER = 0.65
"""The approximate width of a letter over its height."""


def draw(data: ChartData) -> Figure:
    """Two strips of a book, the chosen coverage first and larger."""
    settings, book, selection = data.settings, data.measured.book, data.measured.selection
    width, points = settings.size[0], choose_letter_points(settings.size)
    small = 0.83 * points
    start, stop = selection.bounds
    maps = data.measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    question = f"How much of “{book.called}” does {data.model} know by heart?"
    title = settings.plot_title if settings.plot_title and book.role == BOOK else question
    figure = make_figure(data, title, settings.size, _write_remark(data))
    axes = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    columns = max(int(width * settings.dpi) // 2, 1)
    for strip, (name, covered) in zip(axes, maps.list_chosen_first(settings.coverage), strict=True):
        _draw_strip(strip, covered, start, settings.colormap, columns)
        strip.set_ylabel(_STRIPS[name], rotation=0, ha="right", va="center", fontsize=small)
    axes[0].tick_params(bottom=False)
    axes[1].set_xlabel(f"character of the book{_describe_hatching(maps, data.measured.not_asked)}", fontsize=small)
    axes[1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[1].tick_params(labelsize=small)
    if chapters := tuple(chapter for chapter in book.chapters if start <= chapter.start < stop):
        _mark_chapters(axes[0], chapters, (start, stop), inches=0.8 * width, points=0.7 * points)

    mappable = mpl.cm.ScalarMappable(LogNorm(LOWEST, 1.0), settings.colormap)
    bar = figure.colorbar(mappable, ax=axes, pad=0.01, aspect=12)
    bar.set_ticks(list(_TICKS), labels=list(_TICKS.values()), fontsize=small)
    bar.minorticks_off()
    bar.set_label("$p_z$ of the best window\nover the character", fontsize=small)
    return figure


def _describe_hatching(maps: Coverages[CharacterMap], not_asked: Coverages[np.ndarray]) -> str:
    """What the hatching means, and how much of the map is not measured."""
    both = maps.list_chosen_first("suffix")
    missing = {name: float(1 - covered.measurable.mean()) for name, covered in both}
    if not any(missing.values()):
        return ""
    shares = ", ".join(f"{share:.1%} {_STRIPS[name]}".replace("\n", " ") for name, share in missing.items())
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
    return f"{coverage} coverage at p_z ≥ 50%: {comparison} of the control ({', '.join(data.control.books)})"


def _draw_strip(axes: Axes, covered: CharacterMap, start: int, colormap: str, columns: int) -> None:
    """Draw a strip of the map, whose first character is at position `start`."""
    values, stop = compute_column_maxima(covered, columns), start + len(covered.window)
    axes.axvspan(start, stop, **_NOT_MEASURABLE)
    axes.imshow(
        np.ma.masked_invalid(np.exp(values)[None].clip(LOWEST)),
        cmap=colormap, norm=LogNorm(LOWEST, 1.0), aspect="auto", interpolation="nearest",
        extent=(start, stop, 0, 1), zorder=2,
    )  # fmt: skip
    axes.set_yticks([])
    axes.set_xlim(start, stop)


def _mark_chapters(
    axes: Axes, chapters: tuple[Chapter, ...], bounds: tuple[int, int], *, inches: float, points: float
) -> None:
    """Mark above the strip where each chapter begins, with its title if there is room."""
    stops = [*(chapter.start for chapter in chapters[1:]), bounds[1]]
    above = axes.secondary_xaxis("top")
    letters = 72 * inches / (_LETTER * points)
    room = [  # leaves a blank before the next label
        int((stop - chapter.start) / (bounds[1] - bounds[0]) * letters) - 1
        for chapter, stop in zip(chapters, stops, strict=True)
    ]
    labels = _choose_labels([chapter.title for chapter in chapters], room)
    above.set_xticks([chapter.start for chapter in chapters], labels, ha="left", fontsize=points, parse_math=False)
    above.tick_params(length=3, pad=1)


def _choose_labels(titles: list[str], room: list[int]) -> list[str]:
    """The titles if all fit, else their text before a colon, else the numbers that fit; `room` is in letters."""
    heads = [title.partition(":")[0] for title in titles]
    for labels in (titles, heads):
        if all(len(label) <= width for label, width in zip(labels, room, strict=True)):
            return labels
    numbers = [head.rpartition(" ")[2] for head in heads]
    return [number if len(number) <= width else "" for number, width in zip(numbers, room, strict=True)]


def render_strip(covered: CharacterMap, colormap: str, columns: int) -> np.ndarray:
    """A strip one pixel high, uint8 RGBA [1, columns, 4]; transparent where nothing is measurable."""
    values = np.ma.masked_invalid(np.exp(compute_column_maxima(covered, columns))[None].clip(LOWEST))
    pixels = mpl.colormaps[colormap](LogNorm(LOWEST, 1.0)(values), bytes=True)
    pixels[..., 3] = np.where(np.ma.getmaskarray(values), 0, 255)
    return pixels


def compute_column_maxima(covered: CharacterMap, columns: int) -> np.ndarray:
    """The largest log_p_z in each of at most `columns` equal runs of characters; NaN where none is measurable.

    The maximum keeps a memorised line visible however many characters share its column.
    """
    characters = len(covered.window)
    columns = min(columns, characters)
    firsts = np.arange(columns) * characters // columns
    return np.fmax.reduceat(covered.log_p_z, firsts)
