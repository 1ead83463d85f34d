"""The pictures of a text in the report, drawn while its scores are in memory."""

import base64
import dataclasses
import io
import math
from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from byheart.components.plot.charts import heat_map
from byheart.components.plot.frame import ChartData
from byheart.components.plot.maps.painting import paint_characters
from byheart.measures.calibration.bands import Band
from byheart.measures.discoverable import EVIDENCE_FLOOR, STEPS
from byheart.pages.colours import ABOVE_CONTROLS, EXTRACTABLE
from byheart.pages.strips import draw_strip, make_view_box

_COLUMNS = 600
_CHART_DPI = 100
_MAP_DPI = (100, 72, 50)
"""The resolutions of the map in summary.md, tried in this order until it has room."""
_LEAST_GAP = 0.03
"""The least distance between chapter numbers below a strip, and from its end, as a share of its width."""
_MOST_MARKS = 200
"""With more chapters than this, marks would be all that is seen."""

_WORDS_BYTES = 1_100
"""The most bytes of the words beside a picture: a title of 120 characters, of which `"` is five bytes, and ours."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of one text."""

    strip: str
    """The text from beginning to end: the content of an SVG image."""
    view_box: str
    """The `viewBox` of that image."""
    shows_bands: bool
    """Whether the strip shows bands, since no window reaches the evidence floor; otherwise it shows p_z."""
    chapters: tuple[tuple[float, str], ...]
    """Where chapters begin, as shares of the strip's width, and their numbers; empty where there is no room for one."""
    charts: dict[str, str]
    """The charts as `data:` URIs, by name."""

    @property
    def size_bytes(self) -> int:
        """An upper bound on the bytes of the pictures in the page."""
        charts = sum(len(picture) + _WORDS_BYTES for picture in self.charts.values())
        return len(self.strip) + len(self.view_box) + 60 * len(self.chapters) + _WORDS_BYTES + charts


def draw_pictures(data: ChartData, charts: Mapping[str, Figure]) -> Pictures:
    """The pictures of a text: its strip, and those of its charts that the page shows, as they were written."""
    measured = data.measured
    start, stop = measured.selection.bounds
    covered = measured.schemes.plain.maps.suffix.crop(start, stop)
    bands = paint_characters(data)
    is_blank = not covered.reaches(math.log(EVIDENCE_FLOOR)).any()
    if bands is not None and is_blank:
        layers = _list_bands(bands[start:stop])
    else:
        layers = _list_steps([covered.reaches(math.log(step)) for step in STEPS])
    hanging = ("none", ~covered.measurable)
    return Pictures(
        strip=draw_strip(layers, hanging, _COLUMNS),
        view_box=make_view_box(stop - start, _COLUMNS),
        shows_bands=bands is not None and is_blank,
        chapters=_mark_chapters(
            [
                (chapter.start - start) / (stop - start)
                for chapter in measured.book.chapters
                if start <= chapter.start < stop
            ],
            1 + sum(chapter.start < start for chapter in measured.book.chapters),
        ),
        charts={name: _make_uri(_render(figure, _CHART_DPI)) for name, figure in charts.items()},
    )


def draw_map(data: ChartData, most_characters: int) -> str:
    """The map of a text as a `data:` URI; empty if it has no room.

    Args:
        most_characters: of the URI.
    """
    for dpi in _MAP_DPI:
        settings = dataclasses.replace(data.settings, dpi=dpi)
        uri = _make_uri(_render(heat_map.draw(dataclasses.replace(data, settings=settings)), dpi))
        if len(uri) <= most_characters:
            return uri
    return ""


def _list_steps(reached: list[np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """Which characters have each colour of the ramp, the strongest first, from which reach each threshold."""
    above = [*reached[1:], np.zeros_like(reached[0])]
    return [(f"m{step}", reached[step - 1] & ~above[step - 1]) for step in range(len(reached), 0, -1)]


def _list_bands(bands: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [
        (f"m{EXTRACTABLE + 1}", bands == Band.EXTRACTABLE),
        (f"m{ABOVE_CONTROLS + 1}", bands == Band.ABOVE_CONTROLS),
        ("easy", bands == Band.EASY),
    ]


def _mark_chapters(places: list[float], first: int) -> tuple[tuple[float, str], ...]:
    """Where chapters begin, with the numbers that have room."""
    marks, last = [], -1.0
    for number, place in enumerate(places, first):
        has_room = last + _LEAST_GAP <= place <= 1 - _LEAST_GAP
        last = place if has_room else last
        marks.append((place, f"{number}" if has_room else ""))
    return tuple(marks) if len(marks) <= _MOST_MARKS else ()


def _render(figure: Figure, dpi: int) -> bytes:
    figure.dpi = dpi
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _make_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
