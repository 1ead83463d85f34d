"""The book from left to right, a column of the picture for each few characters, darker where p_z is larger.

- **Two strips.** The larger one is the coverage that the settings name: by default characters covered *as suffix*, by
  what the model was asked for. The other shows characters covered *anywhere in a window*, prompts included.
- **Colour** is the largest p_z of the windows that cover the character, on a logarithmic scale that shows the evidence
  floor, 0.1%. From 0.01% on down everything is drawn alike.
- **Hatching** is what cannot be measured, or was not asked for: it is no zero. A column that holds a measured
  character shows that; how much is hatched stands at the axis.
- **A part**, where `only` asks for one, is shown from its first character to its last.
- **A column shows its largest value**, not its mean: a memorised line stays visible in a book of any length.
- **Chapters**, where the book has them, are marked above the larger strip.
- **The footer** says what was measured, and the control's coverage beside the book's.

Settings: `coverage`, `plot_title` (of books, not of controls), `colormap` (sequential maps that keep their order in
grey), `figsize` in inches, and `dpi`, which is that of all charts.

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

from byheart.components.plot.frame import Subject, frame, lettering
from byheart.contracts.books import BOOK, Chapter
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.schemes import Coverages

PLACE = 1
LOWEST = 1e-4
"""The p_z from which on down everything is drawn alike: a tenth of the evidence floor."""
_TICKS = {1e-4: "≤ 0.01%", 1e-3: "0.1%", 1e-2: "1%", 1e-1: "10%", 0.5: "50%", 1.0: "100%"}
_STRIPS = {"suffix": "as suffix", "window": "anywhere\nin a window"}
_NOT_MEASURABLE: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}
_LETTER = 0.65
"""The width of a letter, about, of its height."""


def draw(subject: Subject) -> Figure:
    """Two strips of one book, the chosen coverage first and larger."""
    settings, book, selection = subject.settings, subject.measured.book, subject.measured.selection
    width, points = settings.size[0], lettering(settings.size)
    small = 0.83 * points
    start, stop = selection.bounds
    maps = subject.measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    question = f"How much of “{book.called}” does {subject.model} know by heart?"
    title = settings.plot_title if settings.plot_title and book.role == BOOK else question
    figure = frame(subject, title, settings.size, _remark(subject))
    axes = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    columns = max(int(width * settings.dpi) // 2, 1)
    for strip, (name, covered) in zip(axes, maps.list_chosen_first(settings.coverage), strict=True):
        _strip(strip, covered, start, settings.colormap, columns)
        strip.set_ylabel(_STRIPS[name], rotation=0, ha="right", va="center", fontsize=small)
    axes[0].tick_params(bottom=False)
    axes[1].set_xlabel(f"character of the book{_hatched(maps, subject.measured.not_asked)}", fontsize=small)
    axes[1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[1].tick_params(labelsize=small)
    if chapters := tuple(chapter for chapter in book.chapters if start <= chapter.start < stop):
        _chapters(axes[0], chapters, (start, stop), inches=0.8 * width, points=0.7 * points)

    mappable = mpl.cm.ScalarMappable(LogNorm(LOWEST, 1.0), settings.colormap)
    bar = figure.colorbar(mappable, ax=axes, pad=0.01, aspect=12)
    bar.set_ticks(list(_TICKS), labels=list(_TICKS.values()), fontsize=small)
    bar.minorticks_off()
    bar.set_label("$p_z$ of the best window\nover the character", fontsize=small)
    return figure


def _hatched(maps: Coverages[CharacterMap], not_asked: Coverages[np.ndarray]) -> str:
    """What the hatching is, and how much of the map; a column that holds a measured character is not hatched."""
    both = maps.list_chosen_first("suffix")
    missing = {name: float(1 - covered.measurable.mean()) for name, covered in both}
    if not any(missing.values()):
        return ""
    shares = ", ".join(f"{share:.1%} {_STRIPS[name]}".replace("\n", " ") for name, share in missing.items())
    why = "not asked for, or not measurable" if not_asked.suffix.any() or not_asked.window.any() else "not measurable"
    return f"; hatched: {why} ({shares})"


def _remark(subject: Subject) -> str:
    """The coverage, and the control's share: a map of another book has no place on this one's axis."""
    coverage = subject.settings.coverage
    if not subject.control:
        return f"{coverage} coverage"
    shares = [
        rates.plain.coverage_at.choose(coverage)[HEADLINE_THRESHOLD].share
        for rates in (subject.rates, subject.control.rates)
    ]
    said = " against ".join("no share" if share is None else f"{share:.1%}" for share in shares)
    return f"{coverage} coverage at p_z ≥ 50%: {said} of the control ({', '.join(subject.control.books)})"


def _strip(axes: Axes, covered: CharacterMap, start: int, colormap: str, columns: int) -> None:
    """A strip of the map of the characters from `start` on."""
    values, stop = column_maxima(covered, columns), start + len(covered.window)
    axes.axvspan(start, stop, **_NOT_MEASURABLE)
    axes.imshow(
        np.ma.masked_invalid(np.exp(values)[None].clip(LOWEST)),
        cmap=colormap, norm=LogNorm(LOWEST, 1.0), aspect="auto", interpolation="nearest",
        extent=(start, stop, 0, 1), zorder=2,
    )  # fmt: skip
    axes.set_yticks([])
    axes.set_xlim(start, stop)


def _chapters(
    axes: Axes, chapters: tuple[Chapter, ...], bounds: tuple[int, int], *, inches: float, points: float
) -> None:
    """Mark where each chapter begins, above the strip from bound to bound, with its title if there is room."""
    stops = [*(chapter.start for chapter in chapters[1:]), bounds[1]]
    above = axes.secondary_xaxis("top")
    letters = 72 * inches / (_LETTER * points)
    room = [  # but for a blank before the next
        int((stop - chapter.start) / (bounds[1] - bounds[0]) * letters) - 1
        for chapter, stop in zip(chapters, stops, strict=True)
    ]
    labels = _labels([chapter.title for chapter in chapters], room)
    above.set_xticks([chapter.start for chapter in chapters], labels, ha="left", fontsize=points, parse_math=False)
    above.tick_params(length=3, pad=1)


def _labels(titles: list[str], room: list[int]) -> list[str]:
    """The whole titles if all fit, else what stands before a colon, else the numbers that fit; `room` is in letters."""
    heads = [title.partition(":")[0] for title in titles]
    for labels in (titles, heads):
        if all(len(label) <= width for label, width in zip(labels, room, strict=True)):
            return labels
    numbers = [head.rpartition(" ")[2] for head in heads]
    return [number if len(number) <= width else "" for number, width in zip(numbers, room, strict=True)]


def strip_pixels(covered: CharacterMap, colormap: str, columns: int) -> np.ndarray:
    """A strip as a picture one pixel high, uint8 RGBA [1, columns, 4]; transparent where nothing is measurable."""
    values = np.ma.masked_invalid(np.exp(column_maxima(covered, columns))[None].clip(LOWEST))
    pixels = mpl.colormaps[colormap](LogNorm(LOWEST, 1.0)(values), bytes=True)
    pixels[..., 3] = np.where(np.ma.getmaskarray(values), 0, 255)
    return pixels


def column_maxima(covered: CharacterMap, columns: int) -> np.ndarray:
    """The largest log_p_z in each of at most `columns` equal runs of characters; NaN where none is measurable.

    The largest, not the mean: a memorised line stays visible however many characters share its column.
    """
    characters = len(covered.window)
    columns = min(columns, characters)
    firsts = np.arange(columns) * characters // columns
    return np.fmax.reduceat(covered.log_p_z, firsts)
