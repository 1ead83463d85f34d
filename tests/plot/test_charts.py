"""Every chart of every kind of book: that it draws, what it shows, and that the same book gives the same picture."""

import dataclasses
import functools
import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from byheart.components.plot.charts import CHARTS, coverage, extraction_rates, heat_map, p_z_ecdf, p_z_histogram
from byheart.components.plot.frame import ChartData, write_figure
from byheart.contracts.books import Book, Chapter
from byheart.contracts.only import Span
from byheart.measures.character_map import CharacterMap, map_characters
from byheart.measures.discoverable import EVIDENCE_FLOOR, THRESHOLDS, N, P, tau
from byheart.measures.measured import Scheme
from byheart.measures.schemes import Coverages, Schemes
from tests.measures import toy

P_Z = np.exp(-np.random.default_rng(0).exponential(3, 200))
CHAPTERS = tuple(Chapter(title=f"$\\frac{{$ {n}: On the way and back", start=200 * n) for n in range(10))
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
    "dollar signs": lambda: toy.make_chart_data(toy.make_book(P_Z), plot_title="From $\\frac{$5 to $a_{$1"),
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
    title = "From $\\frac{$5 to $a_{$1"
    assert heat_map.draw(make_chart_data("dollar signs")).get_suptitle() == title
    assert "“unseen”" in heat_map.draw(toy.make_chart_data(UNSEEN, plot_title=title)).get_suptitle()
    assert "“toy”" in coverage.draw(make_chart_data("dollar signs")).get_suptitle()


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
    assert (values[(where < 695) | (where > 905)] == 1).all()
    assert re.search(r"hatched: not selected, or not measurable \(22\.2% as suffix, 22\.2% any", other.get_xlabel())
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
    np.testing.assert_array_equal(heat_map.compute_column_maxima(covered, columns), expected)


def test_chosen_coverage_is_drawn_first() -> None:
    for chosen, first in (("suffix", "as suffix"), ("window", "anywhere\nin a window")):
        figure = heat_map.draw(toy.make_chart_data(toy.make_book(P_Z), coverage=chosen))
        assert figure.axes[0].get_ylabel() == first


def test_what_is_not_measurable_is_named_only_where_there_is_some() -> None:
    assert heat_map.draw(make_chart_data("ordinary")).axes[1].get_xlabel() == (
        "character of the book; hatched: not measurable (1.2% as suffix, 0.2% anywhere in a window)"
    )
    whole = map_characters(100, np.array([0]), np.array([100]), np.array([-1.0]))
    assert heat_map.draw(make_data_with_map(whole)).axes[1].get_xlabel() == "character of the book"


def test_heat_map_says_what_the_control_has() -> None:
    data = make_chart_data("control")
    share = data.rates.plain.coverage_at.suffix[0.5].share
    assert f"{share:.1%} against 0.0% of the control (unseen)" in " ".join(heat_map.draw(data).get_supxlabel().split())


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
        (["Chapter 1", f"Of {'snow ' * 30}and soap", "Chapter 3"], ["1", "soap", "3"]),
    ],
)  # fmt: skip
def test_chapters_are_named_as_fully_as_all_of_them_have_room(titles: list[str], shown: list[str]) -> None:
    chapters = tuple(Chapter(title=title, start=start) for title, start in zip(titles, (0, 4_000, 7_000), strict=True))
    labels, extents = read_chapter_labels(chapters, 10_000)
    assert labels == shown
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(extents))


@pytest.mark.parametrize("count", [10, 40, 100])
def test_labels_of_chapters_do_not_run_into_each_other(count: int) -> None:
    starts = sorted({0, *np.random.default_rng(count).integers(1, 100_000, count - 1).tolist()})
    chapters = tuple(Chapter(title=f"Chapter {n}: The winter mill", start=start) for n, start in enumerate(starts, 1))
    labels, extents = read_chapter_labels(chapters, 100_000)
    assert labels
    gaps = [start - stop for (_, stop), (start, _) in itertools.pairwise(extents)]
    assert min(gaps, default=3) >= 3, "dots, at 100 an inch: else two numbers are read as one"


# The other three


def test_bars_are_the_rates_and_whiskers_their_intervals() -> None:
    data = make_chart_data("many blocks")
    [axes] = coverage.draw(data).axes
    assert read_legend(axes) == ["as suffix", "anywhere in a window", "control, as suffix"]
    assert data.control
    bars = [bar.patches[0] for bar in axes.containers if isinstance(bar, BarContainer)]
    own, control = (rates.plain.coverage_at for rates in (data.rates, data.control.rates))
    expected = [rates[t].share for rates in (own.suffix, own.window, control.suffix) for t in THRESHOLDS]
    assert [bar.get_height() for bar in bars] == expected
    low, high = own.suffix[THRESHOLDS[0]].interval or (0, 0)
    [segment] = axes.collections[0].get_segments()  # type: ignore[attr-defined]
    assert segment[:, 1].tolist() == pytest.approx([low, high])


def test_bars_of_the_chosen_coverage_come_first() -> None:
    [axes] = coverage.draw(make_chart_data("window coverage")).axes
    assert read_legend(axes) == ["anywhere in a window", "as suffix", "control, anywhere in a window"]


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
    [axes] = p_z_histogram.draw(make_chart_data("control sample")).axes
    assert read_legend(axes) == [
        "toy, 200 windows", "control, 50 windows of unseen", "control sample, 50 suffixes under other prompts",
    ]  # fmt: skip
    own = next(patch for patch in axes.patches if isinstance(patch, StepPatch))
    shares, edges, _ = own.get_data()
    assert shares.sum() == pytest.approx(1)
    for share, low, high in zip(shares, edges, edges[1:], strict=False):
        assert share == pytest.approx(np.mean((np.log10(P_Z) >= low) & (np.log10(P_Z) < high)))


def test_what_lies_below_the_histogram_is_in_its_first_bin() -> None:
    [axes] = p_z_histogram.draw(make_chart_data("all below")).axes
    own = next(patch for patch in axes.patches if isinstance(patch, StepPatch))
    shares, edges, _ = own.get_data()
    assert (edges[0], shares[0], shares[1:].sum()) == (-300, 1, 0)


def test_lines_are_the_shares_of_windows_that_are_as_probable() -> None:
    data = make_chart_data("control")
    assert data.comparison
    [axes] = p_z_ecdf.draw(data).axes
    lines = {str(line.get_label()): np.array(line.get_data()).T for line in axes.get_lines()}
    assert read_legend(axes) == list(lines)
    assert list(lines)[:3] == [
        "control: unseen, 50 windows", "toy, 50 windows",
        "t, census, $10^{-12.0}$: above it lies an unseen book's best window at most 1 time in 2",
    ]  # fmt: skip
    points = lines["toy, 50 windows"][1:]
    own = np.log10(P_Z[75:125])
    for position, share in points:
        assert share == pytest.approx(np.mean(own >= position - 1e-9))
    assert points[:, 0].max() == pytest.approx(own.max())
    assert lines["t, census, $10^{-12.0}$: above it lies an unseen book's best window at most 1 time in 2"][0, 0] == (
        pytest.approx(-12)
    )


def test_of_many_controls_only_the_one_that_decides_is_named() -> None:
    [axes] = p_z_ecdf.draw(make_chart_data("many controls")).axes
    legend = read_legend(axes)
    assert [label for label in legend if "control" in label] == ["control: c2, 200 windows", "5 other controls"]
    assert sum(line.get_label() == "" or str(line.get_label()).startswith("_") for line in axes.get_lines()) == 5


def test_dollar_signs_in_names_are_no_mathematics(tmp_path: Path) -> None:
    book = toy.make_book(P_Z, name="$\\frac{$")
    figure = p_z_ecdf.draw(toy.make_chart_data(book, toy.make_control(UNSEEN)))
    write_figure(figure, tmp_path / "dollar")
