"""summary.html and summary.md: what a run has found, on one page to look at.

The page asks for nothing from anywhere: its pictures are `data:` URIs and its style is its own, so that it opens from a
disk, in an archive, and in the sandboxed frame in which Kubeflow's UI shows it.
"""

import base64
import dataclasses
import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave

from byheart.components.plot.charts import CHARTS, heat_map
from byheart.components.plot.frame import Subject
from byheart.components.plot.methods import methods
from byheart.components.plot.provenance import Run
from byheart.components.plot.templates import templates
from byheart.contracts.books import Refused
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.headline import (
    MOST_DETAILED_BOOKS,
    find_longest_passage,
    list_figures,
    list_joint_figures,
    make_sort_key,
    show,
)
from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import BookDescription
from byheart.measures.selection import describe_selection
from byheart.measures.summary import Summary

LARGEST_BYTES = 2_000_000
"""What Kubeflow's UI shows without trouble."""
ROWS = 1_000
"""The books that the table holds at most; summary.csv holds all."""
_TITLE_CHARACTERS = 120
_TITLE_BYTES = 5 * _TITLE_CHARACTERS
"""A quotation mark is &#34; in HTML."""
_SCALE_BYTES = 3_000
"""More than the scale of the colours takes, with its words."""
_COLUMNS = 1_200
_CHART_DPI = 100
_TICKS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of one book, as `data:` URIs."""

    strips: dict[str, str]
    """Of the heat map, one pixel high, by coverage; that of the settings first."""
    chapters: tuple[float, ...]
    """Where each begins, as a share of what the map shows."""
    charts: dict[str, str]
    """The other charts, by name."""

    @property
    def size_bytes(self) -> int:
        """What they take in a page at most, with the book's section around them."""
        pictures = (*self.strips.values(), *self.charts.values())
        return sum(map(len, pictures)) + 60 * len(self.chapters) + 2_000 + _TITLE_BYTES * (1 + len(self.charts))


def draw_pictures(subject: Subject, *, with_charts: bool) -> Pictures:
    """A book's heat map, small, and its other charts too if they are wanted."""
    settings, measured = subject.settings, subject.measured
    start, stop = measured.selection.bounds
    shown = measured.schemes.plain.maps.map(lambda covered: covered.crop(start, stop))
    strips = shown.list_chosen_first(settings.coverage)
    chapters = [chapter.start for chapter in measured.book.chapters if start <= chapter.start < stop]
    small = dataclasses.replace(subject, settings=dataclasses.replace(settings, dpi=_CHART_DPI))
    others = {name: draw for name, draw in CHARTS.items() if draw is not heat_map.draw} if with_charts else {}
    return Pictures(
        strips={name: _png(heat_map.strip_pixels(covered, settings.colormap, _COLUMNS)) for name, covered in strips},
        chapters=tuple((at - start) / (stop - start) for at in chapters),
        charts={name: _chart(draw(small)) for name, draw in others.items()},
    )


def summary_html(
    run: Run,
    books: Sequence[Outcome],
    summary: Summary,
    not_measured: Sequence[Refused],
    pictures: dict[str, Pictures],
) -> str:
    """The page, in at most `LARGEST_BYTES`: the best known books' pictures, as many as there is room for.

    Args:
        summary: of `books`.
        not_measured: what was named and is not among them.
        pictures: of each book, by its name.
    """
    page = _environment(autoescape=True).get_template("summary.html.j2")
    content = _content(run, books, summary, not_measured)
    content["scale"] = _scale(run.settings.chart.colormap)
    content["methods"] = methods(run, books).partition("## Results")[0].split("\n\n")[1:]
    room = LARGEST_BYTES - len(page.render(**content, pictures={}).encode()) - _SCALE_BYTES
    shown: dict[str, Pictures] = {}
    for outcome in content["outcomes"]:
        found = pictures[outcome.book.name]
        if found.size_bytes > room:
            break
        shown[outcome.book.name] = found
        room -= found.size_bytes
    return page.render(**content, pictures=shown)


def summary_markdown(run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused]) -> str:
    """The same without pictures, as Markdown."""
    page = _environment(autoescape=False).get_template("summary.md.j2")
    return page.render(**_content(run, books, summary, not_measured))


def _content(run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused]) -> dict[str, Any]:
    """What both pages are filled with."""
    longest_control = find_longest_passage(outcome.statistics for outcome in books if outcome.is_control)
    together = list_joint_figures(summary, [outcome.statistics for outcome in books]) if len(books) > 1 else {}
    return {
        "run": run,
        "provenance": run.provenance,
        "outcomes": sorted(books, key=lambda outcome: make_sort_key(outcome.statistics)),
        "parts": {outcome.book.name: describe_selection(outcome.book, run.settings.selection) for outcome in books},
        "headlines": {outcome.book.name: list_figures(outcome.statistics, longest_control) for outcome in books},
        "together": together,
        "not_measured": not_measured,
        "detailed": len(books) <= MOST_DETAILED_BOOKS,
        "rows": ROWS,
        "floor": EVIDENCE_FLOOR,
    }


def _environment(*, autoescape: bool) -> Environment:
    environment = templates(autoescape=autoescape)
    environment.filters |= {"shown": show, "called": _called, "markdown": _markdown, "sentence": _sentence}
    return environment


def _called(book: BookDescription) -> str:
    """A book's title, or its name, in one line and not too long."""
    title = " ".join(book.called.split())
    return title if len(title) <= _TITLE_CHARACTERS else f"{title[: _TITLE_CHARACTERS - 1]}…"


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]


def _markdown(text: str) -> str:
    """The text so that Markdown, and the HTML that it may hold, show it as it is."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", text)


def _scale(colormap: str) -> dict[str, Any]:
    """The colours' meaning: a strip of all of them, and where along it a p_z stands."""
    colours = mpl.colormaps[colormap](np.linspace(0, 1, 256)[None], bytes=True)
    lowest = np.log(heat_map.LOWEST)
    return {"picture": _png(colours), "ticks": [(tick, float(1 - np.log(tick) / lowest)) for tick in _TICKS]}


def _chart(figure: Any) -> str:
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return _uri(file.getvalue())


def _png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    imsave(file, pixels, format="png")
    return _uri(file.getvalue())


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
