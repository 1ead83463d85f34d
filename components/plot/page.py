"""summary.html and summary.md: the results of a run on a page.

The page loads nothing: its pictures are `data:` URIs and its style is inline. So it opens from a disk, from an archive,
and in the sandboxed frame of Kubeflow's UI.
"""

import base64
import dataclasses
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave

from byheart.components.plot.calibration_tables import list_tables
from byheart.components.plot.charts import CHARTS, heat_map
from byheart.components.plot.frame import ChartData
from byheart.components.plot.methods import describe_intervals, write_methods
from byheart.components.plot.p_z_range import find_lowest_colour, list_colour_ticks
from byheart.components.plot.provenance import Run
from byheart.components.plot.templates import make_environment
from byheart.contracts.books import BOOK, CONTROL, Refused
from byheart.contracts.progress import format_count
from byheart.contracts.settings import FULL
from byheart.measures.calibration.facts import format_p_z, state_facts
from byheart.measures.claims import format_rank, state_best, state_claims, state_details
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import show
from byheart.measures.headline import (
    TITLES,
    find_detailed_roles,
    find_longest_passage,
    list_figures,
    list_joint_figures,
    make_sort_key,
)
from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import BookDescription
from byheart.measures.selection import describe_selection
from byheart.measures.summary import Summary

LARGEST_BYTES = 2_000_000
"""The largest page that Kubeflow's UI shows without trouble."""
ROWS = 1_000
"""The most books in the table; summary.csv has all of them."""
_TITLE_CHARACTERS = 120
_TITLE_BYTES = 5 * _TITLE_CHARACTERS
"""The most bytes of a title: a quotation mark is &#34; in HTML."""
_SCALE_BYTES = 2_000
"""An upper bound on the colour scale and its text."""
_COLUMNS = 1_200
_CHART_DPI = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of one book, as `data:` URIs."""

    strips: dict[str, str]
    """The strips of the heat map, one pixel high, by coverage, that of the settings first; `bands`, with controls."""
    bands: tuple[tuple[str, str], ...]
    """The bands with their shares, and the colour of each."""
    chapters: tuple[float, ...]
    """Where the chapters begin, as shares of the map's width."""
    scale: dict[float, str]
    """The marks of the scale of colours: where, as a share of its width, and p_z."""
    charts: dict[str, str]
    """The other charts, by name."""

    @property
    def size_bytes(self) -> int:
        """An upper bound on the bytes of the pictures and the book's section on the page."""
        pictures = (*self.strips.values(), *self.charts.values())
        return (
            sum(map(len, pictures))
            + 60 * len(self.chapters)
            + 2_500
            + _TITLE_BYTES * (1 + len(self.charts))
            + _SCALE_BYTES * bool(self.scale)
        )


def draw_pictures(data: ChartData, *, with_charts: bool) -> Pictures:
    """The pictures of a book: its heat map in small, and its other charts if `with_charts`."""
    settings, measured = data.settings, data.measured
    start, stop = measured.selection.bounds
    lowest = find_lowest_colour(data)
    shown = measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    strips = shown.list_chosen_first(settings.coverage)
    chapters = [chapter.start for chapter in measured.book.chapters if start <= chapter.start < stop]
    bands = heat_map.paint_characters(data)
    legend: list[tuple[str, str]] = []
    rendered = {name: heat_map.render_strip(covered, settings.colormap, lowest, _COLUMNS) for name, covered in strips}
    if bands is not None:
        rendered["bands"] = heat_map.render_bands(bands[start:stop], settings.colormap, _COLUMNS)
        legend = [(label, colour) for _, label, colour in heat_map.list_bands(bands[start:stop], settings.colormap)]
    small = dataclasses.replace(data, settings=dataclasses.replace(settings, dpi=_CHART_DPI))
    charts = {name: draw for name, draw in CHARTS.items() if draw is not heat_map.draw} if with_charts else {}
    return Pictures(
        strips={name: _render_png(pixels) for name, pixels in rendered.items()},
        bands=tuple(legend),
        scale={1 - at / lowest: text for at, text in list_colour_ticks(lowest).items() if at == int(at)},
        chapters=tuple((chapter - start) / (stop - start) for chapter in chapters),
        charts={name: _render_chart(draw(small)) for name, draw in charts.items()},
    )


def render_summary_html(
    run: Run,
    books: Sequence[Outcome],
    summary: Summary,
    not_measured: Sequence[Refused],
    pictures: dict[str, Pictures],
) -> str:
    """summary.html, in at most `LARGEST_BYTES`: books that the model knows best get pictures as long as there is room.

    Args:
        summary: the summary of `books`.
        not_measured: the books that could not be measured.
        pictures: the pictures of every book, by its name.
    """
    page = _make_page_environment(autoescape=True).get_template("summary.html.j2")
    content = _collect_content(run, books, summary, not_measured)
    content["scale"] = _render_scale(run.settings.chart.colormap)
    content["methods"] = write_methods(run, books).partition("## Results")[0].split("\n\n")[1:]
    room = LARGEST_BYTES - len(page.render(**content, pictures={}).encode())
    shown: dict[str, Pictures] = {}
    for outcome in content["outcomes"]:
        of_book = pictures[outcome.book.name]
        if of_book.size_bytes > room:
            break
        shown[outcome.book.name] = of_book
        room -= of_book.size_bytes
    return page.render(**content, pictures=shown)


def render_summary_markdown(
    run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused]
) -> str:
    """summary.md: the page as Markdown, without pictures."""
    page = _make_page_environment(autoescape=False).get_template("summary.md.j2")
    return page.render(**_collect_content(run, books, summary, not_measured))


def _collect_content(
    run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused]
) -> dict[str, Any]:
    """The values that fill both templates."""
    longest_control = find_longest_passage(outcome.statistics for outcome in books if outcome.is_control)
    may_quote = run.settings.report.report_text == FULL
    words = {outcome.book.name: outcome.best_words for outcome in books if may_quote}
    counts = Counter(outcome.book.role for outcome in books)
    return {
        "run": run,
        "provenance": run.provenance,
        "measured_books": [outcome for outcome in books if not outcome.is_control] or books,
        "outcomes": sorted(books, key=lambda outcome: make_sort_key(outcome.statistics)),
        "selections": {
            outcome.book.name: describe_selection(outcome.book, run.settings.selection) for outcome in books
        },
        "headlines": {outcome.book.name: list_figures(outcome.statistics, longest_control) for outcome in books},
        "together": list_joint_figures(summary, [outcome.statistics for outcome in books]),
        "comparisons": {outcome.book.name: _compare(outcome) for outcome in books},
        "best": {outcome.book.name: state_best(outcome.statistics, words) for outcome in books},
        "is_controlled": any(outcome.calibration for outcome in books),
        "counted": " and ".join(format_count(counts[role], role) for role in (BOOK, CONTROL) if counts[role]),
        "titles": TITLES,
        "meanings": list_figures(books[0].statistics) if books else (),
        "not_measured": not_measured,
        "detailed": find_detailed_roles(outcome.book.role for outcome in books),
        "rows": ROWS,
        "floor": EVIDENCE_FLOOR,
        "interval_sentence": describe_intervals(run),
    }


def _compare(outcome: Outcome) -> dict[str, Any]:
    """What the controls of a book show: what may be claimed, more sentences, and tables; nothing of a control."""
    calibration = outcome.calibration
    if calibration is None:
        claims = [] if outcome.is_control else state_claims(None)
        return {"claims": claims, "details": [], "tables": [], "cells": ("", "")}
    return {
        "claims": state_claims(calibration),
        "details": state_details(calibration, outcome.statistics),
        "tables": list_tables(calibration, state_facts(calibration).word),
        "cells": format_rank(calibration),
    }


def _make_page_environment(*, autoescape: bool) -> Environment:
    environment = make_environment(autoescape=autoescape)
    environment.filters |= {
        "shown": show,
        "p_z": format_p_z,
        "called": _shorten_title,
        "markdown": _escape_markdown,
        "sentence": _capitalize,
    }
    return environment


def _shorten_title(book: BookDescription) -> str:
    """A book's title, or its name, on a single line and shortened if long."""
    title = " ".join(book.called.split())
    return title if len(title) <= _TITLE_CHARACTERS else f"{title[: _TITLE_CHARACTERS - 1]}…"


def _capitalize(clause: str) -> str:
    return clause[:1].upper() + clause[1:]


def _escape_markdown(text: str) -> str:
    """The text with the special characters of Markdown and HTML escaped.

    `_` too: between letters it is a letter to CommonMark, but two of them are emphasis to Kubeflow's markdown-to-jsx 7.
    """
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", text)


def _render_scale(colormap: str) -> str:
    """The colour scale: a strip of all colours."""
    return _render_png(mpl.colormaps[colormap](np.linspace(0, 1, 256)[None], bytes=True))


def _render_chart(figure: Any) -> str:
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return _make_uri(file.getvalue())


def _render_png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    imsave(file, pixels, format="png")
    return _make_uri(file.getvalue())


def _make_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
