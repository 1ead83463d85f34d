"""Every chart of every kind of book: that it draws, what it shows, and that the same book gives the same picture."""

import dataclasses
import functools
import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from byheart.components.plot.charts import (
    CHARTS,
    bits_along_book,
    coverage,
    extraction_rates,
    heat_map,
    length_curve,
    p_z_ecdf,
    p_z_histogram,
)
from byheart.components.plot.frame import ChartData, write_figure
from byheart.components.plot.maps.painting import compute_column_maxima
from byheart.components.plot.p_z_range import find_lowest_colour, list_colour_ticks
from byheart.contracts.books import Book, Chapter
from byheart.contracts.only import Span
from byheart.measures.character_map import CharacterMap, map_characters
from byheart.measures.discoverable import EVIDENCE_FLOOR, THRESHOLDS, N, P, tau
from byheart.measures.measured import MeasuredBook, Scheme
from byheart.measures.schemes import Coverages, Schemes
from tests.measures import toy

pytestmark = pytest.mark.slow

P_Z = np.exp(-np.random.default_rng(0).exponential(3, 200))
CHAPTERS = tuple(Chapter(title=f"$\\frac{{$ {n}: On the way and back", start=200 * n) for n in range(10))
EVIL = "_From $\\frac{$5 to $a_{$1"
UNSEEN = toy.make_book(np.full(50, 1e-12), name="unseen", role="control")

CHART_DATA: dict[str, Callable[[], ChartData]] = {
    "ordinary": lambda: toy.make_chart_data(toy.make_book(P_Z)),
    "control": lambda: toy.make_chart_data(toy.make_book(P_Z), toy.make_control(UNSEEN)),
    "control sample": lambda: toy.make_chart_data(toy.make_book(P_Z, sample=50), toy.make_control(UNSEEN)),
    "chapters": lambda: toy.make_chart_data(toy.make_book(P_Z, chapters=CHAPTERS), toy.make_control(UNSEEN)),
    "many blocks": lambda: toy.make_chart_data(toy.make_book(P_Z, stride=1_000), toy.make_control(UNSEEN)),
    "window coverage": lambda: toy.make_chart_data(toy.make_book(P_Z), toy.make_control(UNSEEN), coverage="window"),
    "one window": lambda: toy.make_chart_data(toy.make_book([0.3])),
    "nothing in the top k": lambda: toy.make_chart_data(toy.make_book(P_Z, p_z_top_k=np.zeros(200), sample=50)),
    "one block": lambda: toy.make_chart_data(toy.make_book(P_Z[:10], characters=9_000), toy.make_control(UNSEEN)),
    "dollar signs": lambda: toy.make_chart_data(
        toy.make_book(P_Z, name=EVIL),
        toy.make_control(toy.make_book(np.full(50, 1e-12), name=f"un{EVIL}", role="control")),
        plot_title=EVIL,
    ),
    "all known": lambda: toy.make_chart_data(toy.make_book(np.ones(30))),
    "a part": lambda: toy.make_chart_data(toy.make_book(P_Z, chapters=CHAPTERS, asked=[(300, 700), (900, 1_200)])),
    "a first look": lambda: toy.make_chart_data(
        toy.make_book(P_Z, chapters=CHAPTERS, most=10), toy.make_control(UNSEEN)
    ),
    "many controls": lambda: toy.make_chart_data(
        toy.make_book(P_Z),
        toy.make_control(*[toy.make_book(P_Z**n, name=f"c{n}", role="control") for n in range(2, 8)]),
    ),
    "empty control": lambda: toy.make_chart_data(
        toy.make_book(P_Z), toy.make_control(toy.make_book([], name="c", role="control"))
    ),
    "all below": lambda: toy.make_chart_data(toy.make_book(np.full(30, 1e-310))),
}


@functools.cache
def make_chart_data(kind: str) -> ChartData:
    """The chart data of this kind, cached."""
    return CHART_DATA[kind]()


@pytest.mark.parametrize("kind", CHART_DATA)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_draws(chart: str, kind: str, tmp_path: Path) -> None:
    write_figure(CHARTS[chart](make_chart_data(kind)), tmp_path / chart)
    picture = matplotlib.image.imread(tmp_path / f"{chart}.png")
    assert picture.shape[0] > 50
    assert np.ptp(picture[..., :3]) > 0.5, "a picture is not blank"
    assert ET.parse(tmp_path / f"{chart}.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("chart", [p_z_histogram, p_z_ecdf, length_curve])
def test_legend_has_the_book_and_its_control_whatever_they_are_called(chart: ModuleType) -> None:
    control = toy.make_control(toy.make_book(P_Z**2, name="_$2 to $3", role="control"))
    figure = chart.draw(toy.make_chart_data(toy.make_book(P_Z, name="_$1 and $"), control))
    [legend] = figure.findobj(Legend)
    shown = " ".join(text.get_text() for text in legend.get_texts())
    assert r"“_\$1 and \$”" in shown
    assert r"“_\$2 to \$3”" in shown


@pytest.mark.parametrize("chart", CHARTS)
def test_same_book_gives_the_same_bytes(chart: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_figure(CHARTS[chart](CHART_DATA["chapters"]()), tmp_path / name)
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize("chart", CHARTS)
def test_title_and_footer_say_what_was_measured(chart: str) -> None:
    asked = make_chart_data("ordinary")
    figure = CHARTS[chart](asked)
    assert "“toy”" in figure.get_suptitle()
    assert figure.get_suptitle().endswith("?")
    assert asked.footer in figure.get_supxlabel()


def test_title_of_its_own_is_that_of_the_heat_map_but_not_of_a_control_s() -> None:
    assert heat_map.draw(make_chart_data("dollar signs")).get_suptitle() == EVIL
    assert "“unseen”" in heat_map.draw(toy.make_chart_data(UNSEEN, plot_title=EVIL)).get_suptitle()
    assert f"“{EVIL}”" in coverage.draw(make_chart_data("dollar signs")).get_suptitle()


def read_legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found
    return [text.get_text() for text in found.get_texts()]


# The heat map


def make_data_with_map(covered: CharacterMap, *, chapters: tuple[Chapter, ...] = ()) -> ChartData:
    """A book of which only the map is made up."""
    held = toy.make_book([0.5])
    scheme = Scheme(log_p_z=held.scores.log_p_z, maps=Coverages(suffix=covered, window=covered))
    book = Book(name="toy", source="toy.txt", text="x" * len(covered.window), chapters=chapters)
    selection = dataclasses.replace(held.selection, characters=(Span(start=0, stop=len(covered.window)),))
    measured = dataclasses.replace(held, book=book, selection=selection, schemes=Schemes(plain=scheme, top_k=scheme))
    return dataclasses.replace(toy.make_chart_data(held, dpi=100), measured=measured)


def make_data_with_line(characters: int, known: slice) -> ChartData:
    """A book of low values with one known stretch, and its first tenth not measurable."""
    first = characters // 10
    starts, stops = np.array([first, known.start]), np.array([characters, known.stop])
    return make_data_with_map(map_characters(characters, starts, stops, np.log([1e-9, 0.99])))


def render_picture(figure: Figure, path: Path) -> np.ndarray:
    write_figure(figure, path)
    return np.asarray(matplotlib.image.imread(path.with_suffix(".png")))[..., :3]


@pytest.mark.parametrize("characters", [300, 40_000, 1_000_000])
def test_one_known_line_is_seen_in_a_book_of_any_length(tmp_path: Path, characters: int) -> None:
    line = slice(characters // 2, characters // 2 + 60)
    known = render_picture(heat_map.draw(make_data_with_line(characters, line)), tmp_path / "known")
    unknown = render_picture(
        heat_map.draw(make_data_with_line(characters, slice(line.start, line.start))), tmp_path / "unknown"
    )
    rows, columns = np.nonzero((known != unknown).any(axis=-1))
    assert np.ptp(rows) > known.shape[0] // 3, "the line must go through both strips"
    assert 0.4 < columns.mean() / known.shape[1] < 0.6, "the middle of the book is the middle of the picture"
    assert known[rows, columns].min() < 0.05, "what is known is dark"


def test_part_is_drawn_from_its_first_character_to_its_last_and_what_was_not_asked_for_is_hatched(
    tmp_path: Path,
) -> None:
    """The model knows the whole book; the middle of [300, 1,200) is not selected, which does not mean zero."""
    part = toy.make_chart_data(toy.make_book(np.ones(200), asked=[(300, 700), (900, 1_200)], chapters=CHAPTERS))
    figure = heat_map.draw(part)
    strip, other, *_ = figure.axes
    assert strip.get_xlim() == other.get_xlim() == (300, 1_200)
    (image,) = strip.get_images()
    assert tuple(image.get_extent()) == (300, 1_200, 0, 1)
    values = np.ma.masked_invalid(np.asarray(image.get_array(), float)).ravel()
    where = 300 + (np.arange(len(values)) + 0.5) * 900 / len(values)
    assert np.ma.getmaskarray(values)[(where > 705) & (where < 895)].all()
    assert (values[(where < 695) | (where > 905)] == 0).all(), "log10 of 1"
    assert re.search(r"hatched: not selected, or not measurable \(22\.2% as suffix, 22\.2% in a", other.get_xlabel())
    assert list(strip.child_axes[0].get_xticks()) == [400, 600, 800, 1_000]
    hatched = render_picture(figure, tmp_path / "part")
    middle = hatched[hatched.shape[0] // 2, hatched.shape[1] // 2 - 20 : hatched.shape[1] // 2 + 20]
    assert len(np.unique(middle, axis=0)) > 2, "hatching has lines, a zero has none"


@pytest.mark.parametrize(("most", "said"), [(0, "one window every 10 characters"), (10, "10 windows, evenly spread")])
def test_coverage_says_of_which_windows(most: int, said: str) -> None:
    (axes,) = coverage.draw(toy.make_chart_data(toy.make_book(P_Z, most=most))).axes
    assert axes.get_ylabel().endswith(said)


@given(st.lists(st.sampled_from([math.nan, -math.inf, -5.0, 0.0]), min_size=1, max_size=50), st.integers(1, 60))
def test_columns_are_those_of_a_naive_loop(values: list[float], columns: int) -> None:
    covered = CharacterMap(log_p_z=np.array(values), window=np.zeros(len(values), int))
    count = min(columns, len(values))
    edges = [column * len(values) // count for column in range(count + 1)]
    runs = [[v for v in values[a:b] if not math.isnan(v)] for a, b in itertools.pairwise(edges)]
    expected = [max(run, default=math.nan) for run in runs]
    np.testing.assert_array_equal(compute_column_maxima(covered, columns), expected)


def test_chosen_coverage_is_drawn_first() -> None:
    for chosen, first in (("suffix", "as suffix"), ("window", "in a window")):
        figure = heat_map.draw(toy.make_chart_data(toy.make_book(P_Z), coverage=chosen))
        assert figure.axes[0].get_ylabel() == first


def test_what_is_not_measurable_is_named_only_where_there_is_some() -> None:
    assert heat_map.draw(make_chart_data("ordinary")).axes[1].get_xlabel() == (
        "character of the book; hatched: not measurable (1.2% as suffix, 0.2% in a window)"
    )
    whole = map_characters(100, np.array([0]), np.array([100]), np.array([-1.0]))
    assert heat_map.draw(make_data_with_map(whole)).axes[1].get_xlabel() == "character of the book"


def test_heat_map_says_what_the_control_has() -> None:
    data = make_chart_data("control")
    share = data.rates.plain.coverage_at.suffix[0.5].share
    assert f"{share:.1%} against 0.0% (≤ 22.8%) of the control (unseen)" in " ".join(
        heat_map.draw(data).get_supxlabel().split()
    )


def read_chapter_labels(chapters: tuple[Chapter, ...], characters: int) -> tuple[list[str], list[tuple[float, float]]]:
    """The labels above the strip that are not empty, and where each begins and ends, in dots."""
    covered = map_characters(characters, np.array([0]), np.array([characters]), np.array([-1.0]))
    figure = heat_map.draw(make_data_with_map(covered, chapters=chapters))
    FigureCanvasAgg(figure).draw()
    [above] = figure.axes[0].child_axes
    assert list(above.get_xticks()) == [chapter.start for chapter in chapters]
    shown = [label for label in above.get_xticklabels() if label.get_text()]
    extents = [label.get_window_extent() for label in shown]
    return [label.get_text() for label in shown], [(extent.x0, extent.x1) for extent in extents]


@pytest.mark.parametrize(
    ("titles", "shown"),
    [
        (["Chapter 1: Soap", "Chapter 2: Ice", "Chapter 3"], ["Chapter 1: Soap", "Chapter 2: Ice", "Chapter 3"]),
        (["Chapter 1: Soap", "Chapter 2", f"Chapter 3: {'Of fog ' * 20}"], ["Chapter 1", "Chapter 2", "Chapter 3"]),
        (["Chapter 1", f"Of {'snow ' * 30}and soap", "Chapter 3"], ["Chapter 1", "", "Chapter 3"]),
        ([f"Chapter {n}: {'Of snow ' * 20}" for n in (1, 2, 3)], ["Chapter 1", "Chapter 2", "Chapter 3"]),
        ([f"{'Of snow ' * 20}{n}" for n in ("IV", "V.", "6")], ["IV", "V.", "6"]),
        ([f"{'Of snow ' * 20}{n}" for n in ("license", "CIVIL", "XL")], ["", "", "XL"]),
    ],
)  # fmt: skip
def test_chapters_are_named_as_fully_as_all_of_them_have_room(titles: list[str], shown: list[str]) -> None:
    chapters = tuple(Chapter(title=title, start=start) for title, start in zip(titles, (0, 4_000, 7_000), strict=True))
    labels, extents = read_chapter_labels(chapters, 10_000)
    assert labels == [label for label in shown if label]
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(extents))


@pytest.mark.parametrize("count", [10, 40, 100])
def test_labels_of_chapters_do_not_run_into_each_other(count: int) -> None:
    starts = sorted({0, *np.random.default_rng(count).integers(1, 100_000, count - 1).tolist()})
    chapters = tuple(Chapter(title=f"Chapter {n}: The winter mill", start=start) for n, start in enumerate(starts, 1))
    labels, extents = read_chapter_labels(chapters, 100_000)
    assert labels
    gaps = [start - stop for (_, stop), (start, _) in itertools.pairwise(extents)]
    assert min(gaps, default=3) >= 3, "dots, at 100 an inch: else two numbers are read as one"


# Bands, and colours that follow the data


def make_data_against(p_z: list[float], control: list[float]) -> ChartData:
    """A book of windows that lie apart, and a control."""
    book = toy.make_book(p_z, stride=40)
    return toy.make_chart_data(book, toy.make_control(toy.make_book(control, name="c", role="control", stride=40)))


def read_bands(data: ChartData) -> tuple[np.ndarray, list[str]]:
    """The bands of the strip, -1 where there is none, and the legend."""
    figure = heat_map.draw(data)
    (image,) = figure.axes[1].get_images()
    return np.ma.filled(np.ma.asarray(image.get_array()), -1).ravel(), read_legend(figure.axes[3])


def test_bands_are_those_of_the_thresholds() -> None:
    """Of 20-character suffixes in every 40 characters: the control's best is 10^-6, so t is."""
    bands, legend = read_bands(make_data_against([1e-9, 1e-4, 0.5, 1e-6], [1e-6, 1e-8, 1e-7, 1e-9]))
    characters = 165
    at = (np.array([30, 70, 110, 150]) * len(bands) / characters).astype(int)
    assert bands[at].tolist() == [0, 2, 3, 0]
    assert bands[: int(15 * len(bands) / characters)].tolist() == [-1] * int(15 * len(bands) / characters)
    share = 20 / characters
    assert legend == [
        f"like unseen text {2 * share:.1%}", f"only above the controls {share:.1%}", f"extractable {share:.1%}",
        f"left out {1 - 4 * share:.1%}",
    ]  # fmt: skip


def test_what_is_as_easy_in_unseen_text_is_hatched_and_counted() -> None:
    data = make_data_against([1e-9, 0.1, 0.5, 0.05], [0.2, 1e-8, 1e-7, 1e-9])
    bands, legend = read_bands(data)
    assert set(bands.tolist()) == {-1, 0, 1, 3}
    assert legend[1] == f"easily drawn, not above {40 / 165:.1%}"
    assert sum(bool(patch.get_hatch()) for patch in heat_map.draw(data).axes[1].patches) > 1


@pytest.mark.parametrize(
    ("own", "control", "lowest"),
    [
        ([1e-9, 1e-4, 0.002, 1e-6], [1e-30] * 4, -4),  # a window reaches the floor
        ([1e-9, 1e-14, 1e-20, 1e-40], [10**-20.5, 1e-30, 1e-31, 1e-32], -21),  # t
        ([1e-9, 1e-14, 1e-20, 1e-40], [1e-3, 1e-30, 1e-31, 1e-32], -17),  # the control is better: the median
        ([0, 0, 0, 0], [1e-30] * 4, -4),
    ],
)
def test_colours_begin_where_book_and_controls_part(own: list[float], control: list[float], lowest: int) -> None:
    data = make_data_against(own, control)
    assert find_lowest_colour(data) == lowest
    figure = heat_map.draw(data)
    for strip in (figure.axes[0], figure.axes[2]):
        (image,) = strip.get_images()
        assert (image.norm.vmin, image.norm.vmax) == (lowest, 0)
    assert next(iter(list_colour_ticks(lowest).values())).startswith("≤ ")


def test_colours_of_a_text_without_controls_begin_at_its_median() -> None:
    assert find_lowest_colour(toy.make_chart_data(toy.make_book([1e-9, 1e-20, 1e-40]))) == -20


# The others


def read_table(axes: Axes) -> tuple[list[str], list[str]]:
    """The names and the numbers of the table below the bars."""
    boxes = [artist for artist in axes.get_children() if isinstance(artist, AnnotationBbox)]
    names = [text.get_text() for box in boxes for text in box.offsetbox.findobj(Text)]
    return names, [text.get_text() for text in axes.texts]


def test_bars_are_the_rates_and_whiskers_their_intervals() -> None:
    data = make_chart_data("many blocks")
    [axes] = coverage.draw(data).axes
    assert data.control
    bars = [bar.patches[0] for bar in axes.containers if isinstance(bar, BarContainer)]
    own, control = (rates.plain.coverage_at for rates in (data.rates, data.control.rates))
    expected = [rates[t].share for rates in (own.suffix, own.window, control.suffix) for t in THRESHOLDS]
    assert [bar.get_height() for bar in bars] == expected
    names, numbers = read_table(axes)
    assert names == ["as suffix", "anywhere in a window", "control, as suffix"]
    assert numbers == [f"{share:.1%}" for share in expected]
    low, high = own.suffix[THRESHOLDS[0]].interval or (0, 0)
    [segment] = axes.collections[0].get_segments()  # type: ignore[attr-defined]
    assert segment[:, 1].tolist() == pytest.approx([low, high])


def test_bars_of_the_chosen_coverage_come_first() -> None:
    [axes] = coverage.draw(make_chart_data("window coverage")).axes
    assert read_table(axes)[0] == ["anywhere in a window", "as suffix", "control, anywhere in a window"]


def test_legend_names_no_interval_where_there_is_none() -> None:
    [axes] = extraction_rates.draw(make_chart_data("one block")).axes
    assert set(read_legend(axes)) == {*(f"p = {p:g}" for p in P), "control, p = 0.5"}


def test_curves_are_the_shares_of_windows_that_n_tries_draw() -> None:
    data = make_chart_data("many blocks")
    [axes] = extraction_rates.draw(data).axes
    assert set(read_legend(axes)) == {*(f"p = {p:g}" for p in P), "95% interval at p = 0.5", "control, p = 0.5"}
    log_p_z = data.measured.scores.log_p_z
    curves = [np.asarray(line.get_xydata()) for line in axes.get_lines()]
    for index, p in enumerate(P):
        above, below = curves[2 * index : 2 * index + 2]
        for n, share in (*above, *below):
            assert share == np.mean(log_p_z >= tau(int(n), p))
        last = int(above[-1, 0])
        assert last == below[0, 0], "the dotted part goes on where the other ends"
        assert tau(last, p) >= math.log(EVIDENCE_FLOOR) > tau(2 * last, p)
    unseen = UNSEEN.scores.log_p_z
    np.testing.assert_array_equal(curves[-1], [(n, np.mean(unseen >= tau(n, 0.5))) for n in N])


def test_steps_are_the_shares_of_windows_in_each_bin() -> None:
    left, right, below = p_z_histogram.draw(make_chart_data("control sample")).axes
    assert (left.get_xlim()[1], right.get_xlim()) == (-4, (-4, 0))
    assert read_legend(below) == [
        "“toy”, 200 windows", "control, 50 windows of “unseen”", "control sample, 50 suffixes under other prompts",
        "t, $10^{-12.0}$, from the controls",
    ]  # fmt: skip
    own = next(patch for patch in right.patches if isinstance(patch, StepPatch))
    shares, edges, _ = own.get_data()
    assert shares.sum() == pytest.approx(1)
    for share, low, high in zip(shares, edges, edges[1:], strict=False):
        assert share == pytest.approx(np.mean((np.log10(P_Z) >= low) & (np.log10(P_Z) < high)))


def test_what_lies_below_the_histogram_is_in_its_first_bin() -> None:
    axes, _ = p_z_histogram.draw(make_chart_data("all below")).axes
    own = next(patch for patch in axes.patches if isinstance(patch, StepPatch))
    shares, edges, _ = own.get_data()
    assert (edges[0], shares[0], shares[1:].sum()) == (-300, 1, 0)


def test_lines_are_the_shares_of_windows_that_are_as_probable() -> None:
    data = make_chart_data("control")
    assert data.comparison
    axes, _, below = p_z_ecdf.draw(data).axes
    lines = {str(line.get_label()): np.array(line.get_data()).T for line in axes.get_lines()}
    assert read_legend(below) == list(lines)
    assert list(lines)[:3] == [
        "control: “unseen”, 50 windows", "“toy”, 50 windows",
        "t, census, $10^{-12.0}$: above it lies an unseen book's best window at most 1 time in 2",
    ]  # fmt: skip
    points = lines["“toy”, 50 windows"][1:]
    own = np.log10(P_Z[75:125])
    for position, share in points:
        assert share == pytest.approx(np.mean(own >= position - 1e-9))
    assert points[:, 0].max() == pytest.approx(own.max())
    assert lines["t, census, $10^{-12.0}$: above it lies an unseen book's best window at most 1 time in 2"][0, 0] == (
        pytest.approx(-12)
    )


def test_of_many_controls_only_the_one_that_decides_is_named() -> None:
    axes, *_, below = p_z_ecdf.draw(make_chart_data("many controls")).axes
    legend = read_legend(below)
    assert [label for label in legend if "control" in label] == ["control: “c2”, 200 windows", "5 other controls"]
    assert sum(line.get_label() == "" or str(line.get_label()).startswith("_") for line in axes.get_lines()) == 5


@pytest.mark.parametrize("kind", ["control", "dim"])
@pytest.mark.parametrize("chart", CHARTS)
def test_letters_are_at_least_eight_points_high(chart: str, kind: str) -> None:
    data = make_chart_data("control") if kind == "control" else make_data_against([1e-9] * 4, [1e-30] * 4)
    figure = CHARTS[chart](dataclasses.replace(data, settings=dataclasses.replace(data.settings, figsize="9x3.2")))
    FigureCanvasAgg(figure).draw()
    sizes = {float(text.get_fontsize()) for text in figure.findobj(Text) if text.get_visible() and text.get_text()}
    assert min(sizes) >= 8


@pytest.mark.parametrize("chart", ["coverage", "extraction_rates"])
def test_what_would_be_empty_is_said(chart: str) -> None:
    figure = CHARTS[chart](make_data_against([1e-9] * 4, [1e-8] * 4))
    assert not figure.axes
    said = figure.texts[-1].get_text()
    assert "The best window has $10^{-9.0}$" in said.replace("p_z = ", "")
    assert "controls' best $10^{-8.0}$" in " ".join(said.split())


def test_coverage_of_a_book_that_is_dim_is_shown_from_the_controls_threshold_upwards() -> None:
    data = make_data_against([1e-9, 1e-14, 1e-21, 1e-40], [1e-22, 1e-30, 1e-31, 1e-32])
    [axes] = coverage.draw(data).axes
    names, numbers = read_table(axes)
    marks = [label.get_text() for label in axes.get_xticklabels()]
    assert marks == [f"$p_z$ > $10^{{{at}}}$" for at in (-22, -20, -15, -10)]
    assert names == ["the book", "mean of controls", "highest control"]
    assert numbers == ["75.0%", "50.0%", "50.0%", "25.0%", *["0.0%"] * 8]


def test_windows_that_are_all_dim_are_shown_without_the_empty_range_above_them() -> None:
    data = make_data_against([1e-9, 1e-14, 1e-20, 1e-40], [1e-22, 1e-30, 1e-31, 1e-32])
    for chart in (p_z_histogram, p_z_ecdf):
        axes, _ = chart.draw(data).axes
        assert axes.get_xlim()[1] == pytest.approx(-9, abs=1)


# Bits along the book, and the length curve


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30), st.floats(0, 50)), min_size=1), st.integers(1, 90))
def test_bits_of_a_run_are_those_of_a_naive_loop(suffixes: list[tuple[int, int, float]], length: int) -> None:
    position, characters, bits = (np.array(column) for column in zip(*suffixes, strict=True))
    runs = bits_along_book.compute_runs(position, characters, bits, length)
    for run, value in enumerate(runs):
        inside = [(b, c) for at, c, b in suffixes if run * length <= at < (run + 1) * length]
        expected = sum(b for b, _ in inside) / sum(c for _, c in inside) if inside else math.nan
        np.testing.assert_allclose(value, expected)
    assert len(runs) * length > max(position)


def test_bits_along_the_book_are_drawn_beside_those_of_the_controls() -> None:
    """Suffixes of 20 characters: 2^-40 is 2 bits a character, 2^-80 is 4."""
    data = make_data_against([2.0**-40] * 30 + [1.0] * 30, [2.0**-80] * 60)
    [axes] = bits_along_book.draw(data).axes
    own = next(patch for patch in axes.patches if isinstance(patch, StepPatch))
    values, edges, _ = own.get_data()
    middle = (edges[:-1] + edges[1:]) / 2
    np.testing.assert_allclose(values[middle < 1_100], 2)
    np.testing.assert_allclose(values[middle > 1_300], 0, atol=1e-12)
    levels = {str(line.get_label()): np.asarray(line.get_ydata())[0] for line in axes.get_lines()}
    assert levels == pytest.approx({"whole controls": 4, "the whole text, 1.00": 1})


def test_length_curves_are_the_shares_of_windows_of_book_and_highest_control() -> None:
    random = np.random.default_rng(0)

    def make_text(name: str, cost: float, role: str) -> MeasuredBook:
        text = toy.make_book(np.full(40, 0.5), name=name, role=role)
        costs = random.exponential(cost, (40, 8)).astype(np.float32)
        return dataclasses.replace(
            text, scores=dataclasses.replace(text.scores, token_log_probs=-costs, token_ranks=np.zeros((40, 8), int))
        )

    book, *controls = (make_text(*text) for text in (("b", 0.5, "book"), ("c", 1, "control"), ("d", 1.1, "control")))
    [axes] = length_curve.draw(toy.make_chart_data(book, toy.make_control(*controls))).axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata(), float) for line in axes.get_lines()}
    for threshold, shown in zip((0.5, 0.1, 0.001), ("50%", "10%", "0.1%"), strict=True):

        def share(text: MeasuredBook, k: int, threshold: float = threshold) -> float:
            sums = text.scores.token_log_probs[:, :k].astype(float).sum(axis=1)
            return float(np.mean(sums >= math.log(threshold)))

        for name, texts in ((f"“b”, $p$ ≥ {shown}", [book]), (f"highest of 2 controls, $p$ ≥ {shown}", controls)):
            for k, drawn in enumerate(lines[name], 1):
                expected = max(share(text, k) for text in texts)
                assert drawn == pytest.approx(expected) if expected else not drawn > 0.5 / 40
