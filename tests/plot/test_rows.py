"""The heat map as rows: which rows there are, what is painted in them, and what stands beside and below."""

import dataclasses
import itertools
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from byheart.components.plot.charts import CHARTS, heat_map
from byheart.components.plot.frame import ChartData, write_figure
from byheart.components.plot.maps.rows import cut_to, list_rows, measure_inches
from byheart.contracts.books import Chapter
from byheart.measures.measured import MeasuredBook
from byheart.pages.colours import LIGHT
from tests.measures import toy
from tests.plot.test_charts import CHART_DATA, P_Z, UNSEEN, make_chart_data, make_data_with_line

pytestmark = pytest.mark.slow

LIGHTER = "\x07--\x0b and \x1b[31m$\\frac{$"


def make_chapters(*titles: str, length: int = 400, first: int = 0) -> tuple[Chapter, ...]:
    """Chapters of equal length."""
    return tuple(Chapter(title=title, start=first + length * n) for n, title in enumerate(titles))


def draw(data: ChartData, **settings: Any) -> Figure:
    """The map as rows."""
    chosen: dict[str, Any] = {"figsize": "auto", "colormap": "auto", "dpi": 60, **settings}
    return heat_map.draw(dataclasses.replace(data, settings=dataclasses.replace(data.settings, **chosen)))


def read_texts(figure: Figure) -> list[Text]:
    """What is written beside the bars and below them, in the order in which it was."""
    [axes] = figure.axes
    return list(axes.texts)


def read_rows(figure: Figure) -> dict[str, str]:
    """The shares of the rows, by their names."""
    named = [text for text in read_texts(figure) if text.get_horizontalalignment() == "right"]
    at = {
        round(text.get_position()[1], 6): text.get_text()
        for text in read_texts(figure)
        if text.get_horizontalalignment() == "left"
    }
    return {text.get_text(): at[round(text.get_position()[1], 6)] for text in named}


def read_colours(figure: Figure, row: int) -> dict[str, float]:
    """How many inches of a row have each colour; hatching is `none`."""
    names = [text for text in read_texts(figure) if text.get_horizontalalignment() == "right"]
    middle = float(names[row].get_position()[1])
    found: dict[str, float] = {}
    for collection in figure.axes[0].collections:
        assert isinstance(collection, PolyCollection)
        spans = [path.get_extents() for path in collection.get_paths()]
        width = sum(span.width for span in spans if span.ymin < middle < span.ymax)
        faces = np.asarray(collection.get_facecolor())
        colour = (
            to_hex((float(faces[0][0]), float(faces[0][1]), float(faces[0][2])))
            if len(faces) and faces[0][3]
            else "none"
        )
        found[colour] = found.get(colour, 0) + width
    return {colour: width for colour, width in found.items() if width}


@pytest.mark.parametrize("figsize", ["auto", "column"])
@pytest.mark.parametrize("kind", CHART_DATA)
def test_every_kind_of_text_has_rows(kind: str, figsize: str, tmp_path: Path) -> None:
    figure = draw(make_chart_data(kind), figsize=figsize)
    write_figure(figure, tmp_path / "map")
    assert np.ptp(matplotlib.image.imread(tmp_path / "map.png")[..., :3]) > 0.5, "a picture is not blank"
    assert ET.parse(tmp_path / "map.svg").getroot().tag.endswith("svg")
    width, height = figure.get_size_inches()
    extents = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text()]
    assert width == (9 if figsize == "auto" else 3.3)
    assert min(extent.x0 for extent in extents) >= 0
    assert max(extent.x1 for extent in extents) <= width * figure.dpi + 1, "no letter is cut off"
    assert min(extent.y0 for extent in extents) >= 0
    assert max(extent.y1 for extent in extents) <= height * figure.dpi + 1


def test_row_is_a_chapter_as_long_as_the_chapter_with_its_coverage() -> None:
    """Suffixes of 20 characters, one every 40; the model knows the first chapter."""
    chapters = (Chapter(title="Chapter 1: Soap", start=0), Chapter(title="Chapter 2: Ice", start=400))
    book = toy.make_book([0.9] * 10 + [0.05] * 18, stride=40, chapters=chapters)
    figure = draw(toy.make_chart_data(book, toy.make_control(UNSEEN)))
    assert read_rows(figure) == {"1  Soap": "100%", "2  Ice": "0%", "control: unseen": "0%"}
    first, second, control = (read_colours(figure, row) for row in range(3))
    assert first[LIGHT.map[3]] / second[LIGHT.map[1]] == pytest.approx(10 / 18, rel=0.05)
    assert not {*first, *second} - {LIGHT.map[3], LIGHT.map[1], "none"}
    assert set(control) == {"none"}
    length = len(book.book.text)
    assert sum(first.values()) / sum(second.values()) == pytest.approx(400 / (length - 400), rel=0.02)


def test_one_known_line_is_seen_in_a_text_of_any_length(tmp_path: Path) -> None:
    for characters in (300, 1_000_000):
        line = slice(characters * 52 // 100, characters * 52 // 100 + 60)
        dark = []
        for known in (line, slice(line.start, line.start)):
            write_figure(draw(make_data_with_line(characters, known)), tmp_path / "map")
            picture = matplotlib.image.imread(tmp_path / "map.png")[..., :3]
            dark.append((np.abs(picture - to_rgb(LIGHT.map[3])) < 0.01).all(axis=-1).sum())
        assert dark[0] >= dark[1] + 9, "dots, as high as a bar; what else is so dark is the legend"


@pytest.mark.parametrize("count", [0, 41, 60])
def test_text_of_too_many_chapters_or_none_has_twenty_equal_rows_and_marks(count: int) -> None:
    rows = list_rows(make_chapters(*["Ice"] * count, length=10), (0, 1_000), np.ones(1_000, bool))
    assert [(row.start, row.stop) for row in rows] == list(itertools.pairwise(range(0, 1_001, 50)))
    assert [row.name for row in rows[:2]] == ["0", "50"]
    assert [at for row in rows for at in row.begins] == list(range(0, 10 * count, 10))
    chapters = make_chapters(*["Ice"] * count, length=10)
    lines = draw(toy.make_chart_data(toy.make_book(P_Z, chapters=chapters))).axes[0].lines
    assert len(lines) == count
    assert {line.get_color() for line in lines} <= {LIGHT.here}


@pytest.mark.parametrize(
    ("titles", "names", "numbers"),
    [
        (["Chapter 3: Soap", "Chapter 5: Ice"], ["3  Soap", "5  Ice"], ["3", "5"]),
        (["Chapter 12", "Chapter 13"], ["Chapter 12", "Chapter 13"], ["12", "13"]),
        (["IV.", "V."], ["IV.", "V."], ["IV", "V"]),
        (["License License chapter", "Epilogue"], ["1  License License chapter", "2  Epilogue"], ["1", "2"]),
        (["Chapter 1", "Chapter 1"], ["Chapter 1", "Chapter 1"], ["1", "2"]),
        (["", ""], ["1", "2"], ["1", "2"]),
        (["", "a\x07\nb"], ["1", "2  a\\x07 b"], ["1", "2"]),
    ],
)
def test_chapters_have_names_and_as_short_names_numbers(
    titles: list[str], names: list[str], numbers: list[str]
) -> None:
    rows = list_rows(make_chapters(*titles), (0, 800), np.ones(800, bool))
    assert [row.name for row in rows] == names
    assert [row.number for row in rows] == numbers


def test_what_precedes_the_first_chapter_has_a_row_where_it_is_measured() -> None:
    chapters = make_chapters("Chapter 1", "Chapter 2", first=100)
    measurable = np.arange(900) >= 100
    assert [row.number for row in list_rows(chapters, (0, 900), measurable)] == ["1", "2"]
    rows = list_rows(chapters, (0, 900), measurable | (np.arange(900) == 99))
    assert [(row.number, row.start, row.stop) for row in rows] == [("–", 0, 100), ("1", 100, 500), ("2", 500, 900)]


def test_selection_is_shown_from_its_first_character_to_its_last() -> None:
    rows = list_rows(make_chapters("A", "B", "E"), (500, 900), np.ones(1_200, bool))
    assert [(row.name, row.start, row.stop) for row in rows] == [("2  B", 500, 800), ("3  E", 800, 900)]
    figure = draw(make_chart_data("a part"))
    assert "hatched: not selected, or not measurable (22.2%)" in " ".join(figure.get_supxlabel().split())


def test_names_are_cut_and_never_dropped() -> None:
    chapters = make_chapters("A name that goes on and on " * 9, "Short", length=900)
    figure = draw(toy.make_chart_data(toy.make_book(P_Z, chapters=chapters)))
    long, short = read_rows(figure)
    assert long.startswith("1  A name that")
    assert long.endswith("…")
    assert short == "2  Short"
    assert measure_inches(long, 9) <= 2.21
    assert cut_to("Ice", 0.01, 9) == "…"


def test_many_controls_are_shown_by_the_highest() -> None:
    figure = draw(make_chart_data("many controls"))
    assert [name for name in read_rows(figure) if "control" in name] == ["highest of 6 controls: c2"]
    few = toy.make_control(*(toy.make_book(P_Z**n, name=f"c{n}", role="control") for n in (2, 3)))
    data = toy.make_chart_data(toy.make_book(P_Z), few)
    assert list(read_rows(draw(data)))[-2:] == ["control: c2", "control: c3"]
    assert list(read_rows(draw(data, figsize="column")))[-2:] == ["control 1", "control 2"]


def make_dim(p_z: list[float], control: list[float]) -> ChartData:
    """A book of windows that lie apart, a chapter each, and a control."""
    chapters = make_chapters(*(f"{n}" for n in range(len(p_z))), length=40, first=20)
    book = toy.make_book(p_z, stride=40, chapters=chapters)
    return toy.make_chart_data(book, toy.make_control(toy.make_book(control, name="c", role="control", stride=40)))


def test_colours_of_a_text_of_which_no_window_reaches_the_floor_begin_at_t_and_end_at_its_best_window() -> None:
    """t is the control's best, 10^-12; steps are at 10^-10, 10^-8, 10^-6."""
    figure = draw(make_dim([1e-12, 1e-11, 1e-9, 1e-7, 1e-4], [1e-12, 1e-13, 1e-14, 1e-15, 1e-16]))
    painted = [set(read_colours(figure, row)) - {"none"} for row in range(5)]
    assert painted == [set(), *({colour} for colour in LIGHT.map)]
    assert list(read_rows(figure).values()) == ["0%", "100%", "100%", "100%", "100%", "0%"]
    said = [text.get_text() for text in read_texts(figure)]
    assert {"> t", "≤ t", "≥ 10⁻¹⁰", "≥ 10⁻⁸", "≥ 10⁻⁶"} <= set(said)
    assert any("none reaches 0.1%, the best has 10⁻⁴; t, the controls’ threshold, is 10⁻¹²" in text for text in said)


def test_without_controls_they_begin_at_the_median() -> None:
    chapters = make_chapters("a", "b", "c", length=40, first=20)
    figure = draw(toy.make_chart_data(toy.make_book([1e-12, 1e-9, 1e-5], stride=40, chapters=chapters)))
    assert list(read_rows(figure).values()) == ["0%", "0%", "100%"]
    assert {"> median", "≤ median"} <= {text.get_text() for text in read_texts(figure)}


def test_bands_are_counted_and_what_unseen_text_has_too_is_hatched() -> None:
    figure = draw(make_dim([1e-9, 0.1, 0.5, 0.05], [0.2, 1e-8, 1e-7, 1e-9]))
    said = " ".join(text.get_text() for text in read_texts(figure))
    for band in ("like unseen text 12.1%", "easily drawn, not above 24.2%", "extractable 12.1%", "left out 51.5%"):
        assert band in said
    assert "≤ t" in said
    hatched = [read_colours(figure, row).get("none", 0) for row in range(4)]
    assert hatched[1] == pytest.approx(2 * hatched[0], rel=0.1), "in half of a row windows, in the other none"
    assert "≤ t" not in " ".join(text.get_text() for text in read_texts(draw(make_chart_data("control"))))


def test_sentence_has_the_share_its_interval_or_bound_and_the_controls() -> None:
    data = make_chart_data("control")
    said = " ".join(text.get_text() for text in read_texts(draw(data)))
    share = data.rates.plain.coverage_at.suffix[0.5].share
    assert f"{share:.1%} of what was measured comes back word for word in at least every second try" in said
    assert "control 0.0% (≤ 22.8%)" in said
    unseen = " ".join(text.get_text() for text in read_texts(draw(toy.make_chart_data(UNSEEN))))
    assert "0.0% (≤ " in unseen


def test_colormap_is_of_maps_and_without_one_they_have_the_colours_of_the_report() -> None:
    data = toy.make_chart_data(toy.make_book(np.ones(30)))
    assert set(read_colours(draw(data), 5)) == {LIGHT.map[3]}
    assert set(read_colours(draw(data, colormap="Greys"), 5)) == {"#000000"}


def make_hostile() -> MeasuredBook:
    """A book with control characters and mathematics in its names."""
    return toy.make_book(P_Z, name=LIGHTER, chapters=make_chapters(LIGHTER, "ok"))


@pytest.mark.parametrize("figsize", ["auto", "column", "8x2"])
@pytest.mark.parametrize("chart", CHARTS)
def test_hostile_names_leave_pictures_whole(chart: str, figsize: str, tmp_path: Path) -> None:
    control = toy.make_control(toy.make_book(P_Z**2, name=LIGHTER, role="control"))
    data = toy.make_chart_data(make_hostile(), control, figsize=figsize)
    write_figure(CHARTS[chart](dataclasses.replace(data, model=LIGHTER, footer=LIGHTER)), tmp_path / "map")
    assert ET.parse(tmp_path / "map.svg").getroot().tag.endswith("svg")


def test_letters_of_the_default_are_at_least_eight_points_high() -> None:
    figure = draw(make_chart_data("chapters"))
    FigureCanvasAgg(figure).draw()
    assert min(float(text.get_fontsize()) for text in figure.findobj(Text) if text.get_text()) >= 8


def test_shares_are_nothing_or_all_only_if_they_are() -> None:
    chapters = make_chapters("a", "b", length=10_000)
    p_z = np.where(np.arange(1_990) == 3, 0.9, 1e-9)
    shares = read_rows(draw(toy.make_chart_data(toy.make_book(p_z, chapters=chapters))))
    assert list(shares.values()) == ["< 1%", "0%"]
    assert math.isclose(sum(map(len, shares)), 8)
