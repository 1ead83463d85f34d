"""The heat map as rows: a chapter each, its length the chapter's, its name left, its coverage right, controls below."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from byheart.components.plot.frame import ChartData
from byheart.components.plot.maps.bars import Bar, list_control_bars, make_bars
from byheart.components.plot.maps.painting import (
    compute_column_maxima,
    find_column_bands,
    paint_characters,
)
from byheart.components.plot.maps.rows import cut_to, list_rows, measure_inches, wrap_to
from byheart.components.plot.maps.scale import Scale, choose_colours, make_scale
from byheart.components.plot.maps.sentences import describe_bands, describe_share, format_share, list_remarks
from byheart.measures.calibration.bands import Band
from byheart.pages.colours import LIGHT
from byheart.pages.strips import list_firsts

_COLUMNS_PER_INCH = 100
"""At most: a column is no narrower than a dot, so that a single line that the model knows stays visible."""
_BAR, _LINE = 0.76, 1.35
"""The height of a bar in rows, and of a line of text in heights of its letters."""
_GAP = 0.9
"""Between name, bar and share, and between parts of the figure, in heights of a letter."""
_HATCH: dict[str, Any] = {"facecolor": "none", "hatch": "//////", "linewidth": 0.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """The measures of the figure in inches, and of its letters in points."""

    width: float
    row: float
    margin: float
    names: float
    """The most room for names."""
    box: float
    """The most width of a colour in the legend."""
    letters: float
    small: float
    title: float
    has_names: bool
    """Whether chapters have names; otherwise they have numbers."""
    has_sentences: bool
    """Whether a sentence stands below the title, and a footer at the end."""


PAGE = Form(
    width=9.0, row=0.25, margin=0.11, names=2.2, box=0.76, letters=9.0, small=8.0, title=12.0,
    has_names=True, has_sentences=True,
)  # fmt: skip
COLUMN = Form(
    width=3.3, row=0.115, margin=0.04, names=0.75, box=0.48, letters=6.4, small=5.8, title=7.4,
    has_names=False, has_sentences=False,
)  # fmt: skip


def draw_rows(data: ChartData, title: str, form: Form) -> Figure:
    """The map of a text as rows, with the coverage that the settings choose."""
    measured, scale, bands = data.measured, make_scale(data), paint_characters(data)
    start, stop = measured.selection.bounds
    covered = measured.schemes.plain.maps.choose(data.settings.coverage)
    rows = list_rows(measured.book.chapters, (start, stop), covered.measurable)
    bars = make_bars(data, rows, has_names=form.has_names)
    controls = list(list_control_bars(data, scale.at, has_names=form.has_names))
    room = form.width - 2 * form.margin
    heading = wrap_to(title, room, form.title, "bold")
    sentence = wrap_to(describe_share(data), room, form.small) if form.has_sentences else []
    explained = wrap_to(scale.caption, room, form.small)
    shares = [] if bands is None else wrap_to(describe_bands(bands[start:stop]), room, form.small)
    remark = " · ".join((*list_remarks(data, rows, controls), data.footer))
    footer = wrap_to(remark, room, form.small) if form.has_sentences else []

    line, gap = form.small * _LINE / 72, form.letters * _GAP / 72
    top = form.margin + len(heading) * form.title * _LINE / 72 + len(sentence) * line + gap + line
    bottom = top + form.row * (len(bars) + (len(controls) + 0.6 if controls else 0)) + gap / 2
    legend = bottom + (len(explained) + 0.25) * line
    after = legend + form.row * _BAR + 1.6 * line
    height = after + len(shares) * line + (gap + len(footer) * line if footer else 0) + form.margin

    figure = Figure(figsize=(form.width, height), dpi=data.settings.dpi)
    figure.suptitle(
        "\n".join(heading), x=form.margin / form.width, y=1 - form.margin / height, ha="left", va="top",
        fontsize=form.title, fontweight="bold", color=LIGHT.ink, parse_math=False, linespacing=_LINE / 1.2,
    )  # fmt: skip
    figure.supxlabel(
        "\n".join(footer), x=form.margin / form.width, y=form.margin / height, ha="left", va="bottom",
        fontsize=form.small, color=LIGHT.soft, parse_math=False, linespacing=_LINE / 1.2,
    )  # fmt: skip
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, form.width), ylim=(height, 0))
    axes.set_axis_off()
    pen = _Pen(axes, form, scale, choose_colours(data.settings.colormap), min(_COLUMNS_PER_INCH, data.settings.dpi))
    left, right = pen.find_sides([*bars, *controls])
    pen.write_lines(sentence, form.margin, form.margin + len(heading) * form.title * _LINE / 72)
    pen.write(right + gap, top - line / 2, scale.head, form.small, LIGHT.soft)
    for index, bar in enumerate((*bars, *controls)):
        pen.draw_bar(bar, left, right, top + form.row * (index + 0.6 * (index >= len(bars))))
    begin = left if form.has_names else form.margin
    pen.write_lines(explained, begin if len(explained) == 1 and form.has_names else form.margin, bottom)
    has_easy = any(bar.bands is not None and (bar.bands == Band.EASY).any() for bar in bars)
    pen.draw_legend(begin, legend, has_easy=has_easy)
    pen.write_lines(shares, form.margin, after)
    return figure


@dataclasses.dataclass(frozen=True)
class _Pen:
    """Draws on axes whose unit is the inch, from the top left corner."""

    axes: Axes
    form: Form
    scale: Scale
    colours: tuple[str, ...]
    columns_per_inch: int

    def find_sides(self, bars: list[Bar]) -> tuple[float, float]:
        """Where bars begin and where the longest ends, so that names and shares have room."""
        form, gap = self.form, self.form.letters * _GAP / 72
        names = min(max(measure_inches(bar.name, form.letters) for bar in bars), form.names)
        shares = max(measure_inches(self.scale.head, form.small), measure_inches("> 99%", form.letters))
        return form.margin + names + gap, form.width - form.margin - shares - gap

    def write(self, x: float, y: float, text: str, points: float, colour: str, **style: Any) -> None:
        """Write a text whose middle line is at y."""
        style = {"ha": "left", "va": "center_baseline", **style}
        self.axes.text(x, y, text, fontsize=points, color=colour, parse_math=False, **style)

    def write_lines(self, lines: list[str], x: float, y: float) -> None:
        """Write small lines below y."""
        height = self.form.small * _LINE / 72
        for index, line in enumerate(lines):
            self.write(x, y + (index + 0.5) * height, line, self.form.small, LIGHT.soft)

    def draw_bar(self, bar: Bar, left: float, right: float, y: float) -> None:
        """Draw a row whose upper side is at y."""
        form, gap, height = self.form, self.form.letters * _GAP / 72, self.form.row * _BAR
        middle, width = y + height / 2, (right - left) * bar.length
        name = cut_to(bar.name, left - gap - form.margin + 0.01, form.letters)
        self.write(left - gap, middle, name, form.letters, LIGHT.ink, ha="right")
        share = bar.covered.compute_share(self.scale.at)
        self.write(right + gap, middle, format_share(share), form.letters, LIGHT.ink if share else LIGHT.soft)

        characters, columns = len(bar.covered.window), max(int(width * self.columns_per_inch), 1)
        edges = left + width * np.append(list_firsts(characters, columns), characters) / characters
        steps = self.scale.classify(compute_column_maxima(bar.covered, columns))
        self.axes.add_patch(Rectangle((left, y), width, height, facecolor=self.colours[0], linewidth=0))
        for step, colour in enumerate(self.colours[1:], 1):
            self._fill(edges, steps == step, y, facecolor=colour, linewidth=0, antialiased=False)
        self._fill(edges, steps < 0, y, **_HATCH, edgecolor=LIGHT.soft, alpha=0.45)
        if bar.bands is not None:
            easy = find_column_bands(bar.bands, columns) == Band.EASY
            is_deep = steps > len(self.colours) // 2
            self._fill(edges, easy & ~is_deep, y, **_HATCH, edgecolor=LIGHT.ink)
            self._fill(edges, easy & is_deep, y, **_HATCH, edgecolor=LIGHT.page)
        for mark in bar.marks:
            at = left + width * mark
            self.axes.plot([at, at], [y - 0.1 * height, y + 1.1 * height], color=LIGHT.here, lw=0.12 * form.letters)
        self._frame(left, y, width)

    def draw_legend(self, x: float, y: float, *, has_easy: bool) -> None:
        """Draw the colours with their names below y."""
        hatched: list[tuple[str, dict[str, Any]]] = [("not meas.", {**_HATCH, "edgecolor": LIGHT.soft, "alpha": 0.45})]
        if has_easy:
            hatched.append(("≤ t", {**_HATCH, "edgecolor": LIGHT.ink}))
        boxes = [(label, {"facecolor": colour, "linewidth": 0}) for label, colour in self._list_steps()] + hatched
        form, height = self.form, self.form.row * _BAR
        width = min((form.width - form.margin - x) / (len(boxes) + 0.2 * len(hatched)), form.box)
        for index, (label, style) in enumerate(boxes):
            left = x + width * (index + 0.2 * max(index - len(self.colours) + 1, 0))
            self.axes.add_patch(Rectangle((left, y), width, height, **style))
            self._frame(left, y, width)
            below = y + height + 0.7 * form.small * _LINE / 72
            self.write(left + width / 2, below, label, form.small, LIGHT.soft, ha="center")

    def _list_steps(self) -> Iterator[tuple[str, str]]:
        return zip(self.scale.labels, self.colours, strict=True)

    def _fill(self, edges: np.ndarray, which: np.ndarray, y: float, **style: Any) -> None:
        """Draw runs of columns."""
        bounds = edges[np.flatnonzero(np.diff(which, prepend=False, append=False))]
        runs = list(zip(bounds[::2], bounds[1::2] - bounds[::2], strict=True))
        if runs:
            self.axes.broken_barh(runs, (y, self.form.row * _BAR), **style)

    def _frame(self, x: float, y: float, width: float) -> None:
        thickness = 0.07 * self.form.letters
        frame = Rectangle(
            (x, y), width, self.form.row * _BAR, fill=False, edgecolor=LIGHT.soft, lw=thickness, alpha=0.7
        )
        self.axes.add_patch(frame)
