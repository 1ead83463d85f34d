"""The report and the summary as pages: they show what the statistics say, ask for nothing, and are never too large."""

import dataclasses
import functools
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from byheart.components.plot.charts import CHARTS
from byheart.components.plot.content import ROWS
from byheart.components.plot.markdown import MOST_CHARACTERS, render_summary_markdown
from byheart.components.plot.methods import write_methods
from byheart.components.plot.report.page import MOST_BYTES, PICTURE_BYTES, render_report
from byheart.components.plot.report.pictures import Pictures, draw_map, draw_pictures
from byheart.components.plot.summary import make_summary_table
from byheart.contracts.books import Chapter, Refused
from byheart.measures.outcomes import Outcome
from byheart.measures.summary import Summary, summarize
from byheart.pages.strips import HEIGHT
from tests.measures import toy

VOID = {"meta", "img", "br", "input"}
CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in range(0, 300_000, 30_000))
CONTROL = toy.make_book([1e-9] * 30, name="unseen", role="control")
BOOK = toy.make_book(
    np.exp(-np.random.default_rng(0).exponential(4, 300)), name="the-book", chapters=CHAPTERS, stride=1_000
)
OUTCOMES = (toy.compute_outcome(BOOK, toy.make_control(CONTROL)), toy.compute_outcome(CONTROL))
EVIL = 'The <script>alert("1")</script> | of *a* __d_e_f [b](https://example.org) & `c`\n# d'


class Page(HTMLParser):
    """A parsed page; tags that are not closed in order fail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.style = ""
        self.script = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open and self.open[-1] == "script":
            self.script += data
        elif data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def pictures(self) -> list[str]:
        return [attributes["src"] for tag, attributes in self.tags if tag == "img"]


def read_markdown(text: str) -> Page:
    """The page that GitHub makes of Markdown: CommonMark and tables."""
    return Page(MarkdownIt("commonmark").enable("table").render(text))


def draw_books(*books: Any, with_charts: bool = False) -> dict[str, Pictures]:
    drawn = {name: draw for name, draw in CHARTS.items() if with_charts and name != "heat_map"}
    data = {book.book.name: toy.make_chart_data(book) for book in books}
    return {
        name: draw_pictures(of_book, {chart: draw(of_book) for chart, draw in drawn.items()})
        for name, of_book in data.items()
    }


@functools.cache
def draw_both() -> dict[str, Pictures]:
    """The pictures of `OUTCOMES`."""
    return draw_books(BOOK, with_charts=True) | draw_books(CONTROL)


def make_many_books(count: int, title: str = "") -> tuple[list[Outcome], dict[str, Pictures]]:
    """A book under many names, with pictures as large as those of a long book."""
    strip = "".join(f'<path class="m4" d="M{column} 24v-7h1v7z"/>' for column in range(500))
    names = [f"book-{number}" for number in range(count)]
    books = [toy.change_description(OUTCOMES[0], name=name, title=title) for name in names]
    pictures = Pictures(strip=strip, view_box="0 0 600 24", shows_bands=False, chapters=((0.0, "1"),), charts={})
    return books, dict.fromkeys(names, pictures)


def summarize_books(books: Sequence[Outcome]) -> Summary:
    return summarize(books, toy.make_run().provenance)


def no_data(_: int) -> str:
    return ""


def render_page(books: Any = OUTCOMES, pictures: Any = None, not_measured: Any = ()) -> str:
    pictures_of_books = draw_both() if pictures is None else pictures
    return render_report(toy.make_run(), books, summarize_books(books[:5]), not_measured, pictures_of_books, no_data)


def test_everything_stands_on_the_page_without_javascript() -> None:
    """Only the reader, which is nothing without the texts' data, waits for it."""
    parsed = Page(render_page())
    assert [attributes for tag, attributes in parsed.tags if "hidden" in attributes] == [
        next(attributes for tag, attributes in parsed.tags if attributes.get("id") == "reader")
    ]
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert {"bar", "text-choice", "legend", "threshold", "colour-by", "slips", "search", "help", "says"} < set(ids)
    assert {"passages", "strip", "text", "window", "help-dialog"} < set(ids)
    assert len(ids) == len(set(ids))


def test_data_and_script_fill_what_room_the_page_leaves() -> None:
    rooms: list[int] = []

    def fill(room: int) -> str:
        rooms.append(room)
        return '<script type="application/json" id="report">' + "7" * (room - 100) + "</script>"

    summary = summarize_books(OUTCOMES)
    text = render_report(toy.make_run(), OUTCOMES, summary, (), draw_both(), fill)
    assert rooms[0] > MOST_BYTES - PICTURE_BYTES
    assert MOST_BYTES - 200 < len(text.encode()) <= MOST_BYTES
    assert text.index('id="report"') < text.index('<script type="module">')
    assert text.index("function orderRows") < text.index("startReader();\n</script>"), "what starts the reader is last"


def test_title_like_the_place_of_the_data_stays_a_title() -> None:
    book = toy.change_description(OUTCOMES[0], title="<!-- data -->")
    text = render_report(toy.make_run(), [book], summarize_books([book]), (), draw_both(), lambda _: "<i>data</i>")
    assert "“<!-- data -->”" in Page(text).text
    assert text.index("<i>data</i>") > text.index("<footer")


def test_page_asks_for_nothing_and_is_well_formed() -> None:
    parsed = Page(render_page())
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "poster", "action", "data"):
                assert value.startswith(("data:image/png;base64,", "#")), (tag, name)
            assert not name.startswith("on")
    assert [attributes for tag, attributes in parsed.tags if tag == "script"] == [{"type": "module"}]
    assert "url(" not in parsed.style
    assert "@import" not in parsed.style
    assert {"http-equiv": "Content-Security-Policy"}.items() <= {
        name: value for tag, attributes in parsed.tags if tag == "meta" for name, value in attributes.items()
    }.items()


def test_numbers_are_those_of_the_statistics() -> None:
    headline, coverage = OUTCOMES[0].statistics.headline, OUTCOMES[0].statistics.plain.coverage_at.suffix[0.5]
    low, high = coverage.interval or (None, None)
    said = Page(render_page()).text
    assert f"{headline.coverage:.1%} of measurable characters lie in a suffix with p_z ≥ 0.5" in said
    assert f"other such books {low:.1%} to {high:.1%} (95% interval)" in said
    assert f"controls {coverage.control:.1%} (at most 32.4%, as none of 8 separate windows does)" in said
    assert "Of the measured text, shares are exact." in said
    assert f"{headline.windows:.1%} of windows have p_z ≥ 0.001" in said
    assert (
        f"{headline.longest} characters lie in the longest passage at p_z ≥ 0.5 controls 0 Every window in it was"
        in said
    )
    text = render_summary_markdown(toy.make_run(), OUTCOMES, summarize_books(OUTCOMES), ())
    assert (
        f"of windows have p\\_z ≥ 0.5) | {low:.1%} to {high:.1%} | {coverage.control:.1%} (at most 32.4%, as none of 8 "
    ) in text
    assert f"| {headline.windows:.1%} | of windows have p\\_z ≥ 0.001 |" in text


def test_books_that_are_many_are_told_together() -> None:
    books = [*make_many_books(5)[0], OUTCOMES[1]]
    summary = summarize_books(books)
    assert summary.books
    pool = summary.books.plain.micro.windows_at[0.001].share
    for text in (
        render_report(toy.make_run(), books, summary, (), make_many_books(5)[1] | draw_both(), no_data),
        render_summary_markdown(toy.make_run(), books, summary, ()),
    ):
        assert "books in one pool" in text.lower()
        assert f"{pool:.1%}" in text


@pytest.mark.parametrize(("controls", "pooled"), [(3, False), (5, True)])
def test_controls_take_no_section_from_a_book(controls: int, pooled: bool) -> None:
    unseen = [toy.change_description(OUTCOMES[1], name=f"unseen-{number}") for number in range(controls)]
    books = [*make_many_books(2)[0], *unseen]
    summary = summarize_books(books)
    pictures = make_many_books(2)[1] | {control.book.name: draw_both()["unseen"] for control in unseen}
    html = Page(render_report(toy.make_run(), books, summary, (), pictures, no_data)).text
    markdown = read_markdown(render_summary_markdown(toy.make_run(), books, summary, ())).text
    for text in (html, markdown):
        assert "How much of these 2 books does" in text
        assert "books in one pool" not in text.lower()
        assert ("Controls in one pool" in text) == pooled
    assert html.count("of measurable characters lie in a suffix") == (2 if pooled else 0)
    assert html.count("Characters with p_z ≥ 0.5") == 1
    assert markdown.count("of measurable characters lie in a suffix") == (2 + 2 if pooled else 2)
    book, *_ = OUTCOMES
    assert html.count(f"{book.statistics.headline.coverage:.1%} book-") == 2, "a figure of each book"


def read_widths(strip: str, name: str) -> int:
    """In how many columns of a strip there is something of a kind."""
    paths = re.findall(rf'<path class="{name}" d="([^"]*)"', strip)
    return sum(int(width) for path in paths for width in re.findall(r"h(\d+)", path))


def test_strip_shows_the_steps_of_p_z() -> None:
    """Suffixes of 20 characters, one every 40: a column a character."""
    book = toy.make_book([0.9, 0.2, 0.05, 0.005, 1e-9], stride=40)
    pictures = draw_pictures(toy.make_chart_data(book), {})
    measurable = int(book.schemes.plain.maps.suffix.measurable.sum())
    assert [read_widths(pictures.strip, f"m{step}") for step in (4, 3, 2, 1)] == [20, 40, 60, 80], "one over the other"
    assert read_widths(pictures.strip, "none") == len(book.book.text) - measurable
    assert not pictures.shows_bands


def test_strip_of_a_text_without_a_window_at_the_floor_shows_bands() -> None:
    own, unseen = (
        toy.make_book(p_z, stride=40, role=role)
        for p_z, role in (([1e-9, 1e-5, 1e-4, 1e-20], "book"), ([1e-6, 1e-8, 1e-7, 1e-9], "control"))
    )
    pictures = draw_pictures(toy.make_chart_data(own, toy.make_control(unseen)), {})
    assert pictures.shows_bands
    assert read_widths(pictures.strip, "m2") == 40, "above the controls, and no window is extractable"
    assert read_widths(pictures.strip, "m4") == 0
    html = Page(render_page(OUTCOMES[:1], {"the-book": pictures})).text
    assert "bands: no window reaches 0.1%" in html
    assert "they show bands" in html
    assert "they show bands" not in Page(render_page()).text


def test_book_of_any_name_stays_text() -> None:
    books, pictures = make_many_books(2, title=EVIL)
    parsed = Page(render_page(books, pictures))
    assert " ".join(EVIL.split()) in parsed.text
    assert sum(tag == "script" for tag, _ in parsed.tags) == 1, "its own"
    text = render_summary_markdown(toy.make_run(), books, summarize_books(books), ())
    assert "<script" not in text
    row = next(line for line in text.splitlines() if line.startswith("| The"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 12
    assert r"\[b\](https://example.org)" in row


def test_methods_are_the_same_text_in_markdown_and_on_the_page() -> None:
    books, pictures = make_many_books(2, title=EVIL)
    run = toy.make_run(label=EVIL)
    parsed = read_markdown(write_methods(run, books))
    assert not {"a", "img", "script", "code"} & {tag for tag, _ in parsed.tags}
    assert sum(tag == "h1" for tag, _ in parsed.tags) == 1
    told = f"of each text {' '.join(EVIL.split())} (1,488,192 parameters"
    assert told in " ".join(parsed.text.split())
    assert {" ".join(EVIL.split())} == {word for word in parsed.words if word.startswith("The <script>")}
    html = render_report(run, books, summarize(books, run.provenance), (), pictures, no_data)
    assert told in " ".join(Page(html).text.split())
    assert "## Results" not in html


def test_markdown_is_the_same_text_to_github_and_to_kubeflow() -> None:
    """Kubeflow shows it by markdown-to-jsx 7, to which any two underscores are emphasis; it takes `\\_` first.

    TEXT_EMPHASIZED_R and TEXT_ESCAPED_R of its index.tsx say so.
    """
    for books in (OUTCOMES, make_many_books(2, title=EVIL)[0], make_many_books(6, title=EVIL)[0]):
        text = render_summary_markdown(toy.make_run(), books, summarize_books(books), ())
        assert not re.search(r"(?<!\\)_", text)
        parsed = read_markdown(text)
        assert not {"em", "a", "script"} & {tag for tag, _ in parsed.tags}
        assert "with p_z ≥ 0.5" in parsed.text
        assert books is OUTCOMES or " ".join(EVIL.split()) in parsed.text


def test_numbers_in_markdown_are_aligned_right() -> None:
    parsed = read_markdown(render_summary_markdown(toy.make_run(), OUTCOMES, summarize_books(OUTCOMES), ()))
    rows = " ".join(tag + attributes.get("style", "")[11:] for tag, attributes in parsed.tags).split("tr ")
    assert sum(row.count("tdright") == 3 and row.count("td") == 4 for row in rows) == 4 + 5, "headline, ranks"
    assert sum(row.count("tdright") == 10 and row.count("td") == 11 for row in rows) == len(OUTCOMES)


def count_rows(parsed: Page) -> int:
    """The rows of the table of texts."""
    return sum(tag == "a" and "data-text" in attributes for tag, attributes in parsed.tags)


def test_page_of_many_books_keeps_its_size_and_says_what_it_leaves_out() -> None:
    books, pictures = make_many_books(300)
    text = render_page(books, pictures)
    assert 0.8 * PICTURE_BYTES < len(text.encode()) <= PICTURE_BYTES
    parsed = Page(text)
    shown = sum(tag == "svg" for tag, _ in parsed.tags)
    assert 50 < shown < 300
    assert f"room for the pictures of {shown} of 300 texts" in parsed.text
    assert count_rows(parsed) == 300


def test_page_of_thousands_of_long_names_keeps_its_size_too() -> None:
    books, pictures = make_many_books(3_000, title='\U0001d4d0"' * 300)
    text = render_page(books, pictures)
    assert len(text.encode()) <= PICTURE_BYTES
    assert count_rows(Page(text)) == ROWS
    assert "The other 2,000 are in summary.csv" in text


def test_best_known_books_come_first_and_controls_last() -> None:
    better = toy.compute_outcome(toy.make_book(np.full(40, 0.9), name="better"))
    said = Page(render_page((*OUTCOMES, better), draw_both() | {"better": draw_both()["unseen"]})).text
    table = said.partition("The texts of this run")[2]
    for words in (said, table):
        assert words.index("better") < words.index("the-book")
    assert table.index("the-book") < table.index("unseen")


def test_what_was_not_measured_is_said() -> None:
    gone = [Refused(source="a.txt", role="book", why="a.txt must be there")]
    assert "Not measured: 1 of what was named" in Page(render_page(not_measured=gone)).text
    assert "Not measured" not in render_page()
    assert "**Not measured: 1**" in render_summary_markdown(toy.make_run(), OUTCOMES, summarize_books(OUTCOMES), gone)


def test_book_without_a_window_has_a_page() -> None:
    empty = toy.make_book([], characters=30, name="empty")
    books = [toy.compute_outcome(empty)]
    text = render_page(books, draw_books(empty, with_charts=False))
    assert "–" in Page(text).text
    assert "nan" not in Page(text).text.lower().replace("nance", "")


def test_markdown_has_the_map_of_the_first_book_while_there_is_room() -> None:
    summary, data = summarize_books(OUTCOMES), toy.make_chart_data(BOOK)
    picture = draw_map(data, 200_000)
    assert picture.startswith("data:image/png;base64,")
    assert len(picture) <= 200_000
    assert draw_map(data, 1_000) == "", "no resolution is so small"
    text = render_summary_markdown(toy.make_run(), OUTCOMES, summary, (), picture)
    assert read_markdown(text).pictures == [picture]
    assert len(text) <= MOST_CHARACTERS
    without = render_summary_markdown(toy.make_run(), OUTCOMES, summary, ())
    too_large = f"{picture}{'A' * MOST_CHARACTERS}"
    assert render_summary_markdown(toy.make_run(), OUTCOMES, summary, (), too_large) == without


def test_caveats_stand_on_both_pages() -> None:
    for text in (
        Page(render_page()).text,
        read_markdown(render_summary_markdown(toy.make_run(), OUTCOMES, summarize_books(OUTCOMES), ())).text,
    ):
        for caveat in ("no single generation produced it", "p_z = 0.001 is a convention", "was not trained on"):
            assert caveat in text


def test_page_says_that_a_chat_model_reads_plain_text() -> None:
    assert "as it stands: a chat model too, without its chat template." in " ".join(Page(render_page()).text.split())


def test_page_shows_a_part_from_end_to_end_and_says_what_it_is() -> None:
    chapters = tuple(Chapter(title=str(start), start=start) for start in (0, 100, 200, 300))
    part = toy.make_book(np.ones(40), asked=[(100, 200), (250, 300)], chapters=chapters, name="part")
    shown = draw_books(part)
    assert shown["part"].chapters == ((0.0, "2"), (0.5, "3"))
    assert shown["part"].view_box == f"0 0 200 {HEIGHT}"
    assert f"M100 0v{HEIGHT}h50" in shown["part"].strip, "grey where nothing was measured"
    assert f"M0 {HEIGHT}v-{HEIGHT}h100" in shown["part"].strip
    run, outcomes = toy.make_run(only="2,3"), [toy.compute_outcome(part)]
    html = Page(render_report(run, outcomes, summarize(outcomes, run.provenance), (), shown, no_data))
    said = (
        "Only 13 of the book's 40 windows were measured: those in characters 100 to 200 and 250 to 300 (chapters 2, 3)"
    )
    assert said in html.text
    assert "Grey: no measured window asks for these characters, which is no zero." in html.text
    assert "Shares are of the selected windows and characters" in html.text
    assert "evenly spread" not in html.text
    markdown = render_summary_markdown(run, outcomes, summarize(outcomes, run.provenance), ())
    assert "Only 13 of the book's 40 windows were measured" in markdown


def test_page_of_whole_books_does_not_mention_selections() -> None:
    for words in (render_page(), render_summary_markdown(toy.make_run(), OUTCOMES, summarize_books(OUTCOMES), ())):
        assert "not selected" not in words
        assert "Shares are of the selected" not in words
        assert "evenly spread" not in words


def test_first_look_is_told_with_what_it_makes_smaller() -> None:
    look, run = toy.make_book(np.ones(40), most=5, name="look"), toy.make_run(windows=5)
    outcomes = [toy.compute_outcome(look)]
    summary = summarize(outcomes, run.provenance)
    html = Page(render_report(run, outcomes, summary, (), draw_books(look), no_data)).text
    markdown = render_summary_markdown(run, outcomes, summary, ())
    for words in (html, markdown):
        assert "Only 5 of the book's 40 windows were measured, evenly spread" in words
        assert "coverage and passages are as a rule smaller than those of all" in words


@pytest.mark.parametrize(("label", "name"), [("", "llama"), ("Llama of ours", "Llama of ours")])
def test_what_is_published_names_the_model_without_its_path(label: str, name: str) -> None:
    run = toy.make_run(label=label)
    model = dataclasses.replace(run.model, source="/home/somebody/llama")
    run = dataclasses.replace(run, provenance=dataclasses.replace(run.provenance, model=model))
    summary = summarize(OUTCOMES, run.provenance)
    texts = [
        render_report(run, OUTCOMES, summary, (), draw_both(), no_data),
        render_summary_markdown(run, OUTCOMES, summary, ()),
        write_methods(run, OUTCOMES),
        make_summary_table(run, OUTCOMES),
        run.describe(OUTCOMES[0].book),
    ]
    for text in texts:
        assert name in text
        assert "somebody" not in text
    assert run.provenance.model.source == "/home/somebody/llama"


def render_both(books: Sequence[Outcome], **settings: Any) -> tuple[str, str]:
    """The text of the page, and that of its Markdown."""
    run = toy.make_run(**settings)
    summary = summarize(books, run.provenance)
    pictures = dict.fromkeys((book.book.name for book in books), draw_both()["unseen"])
    html = render_report(run, books, summary, (), pictures, no_data)
    return Page(html).text, read_markdown(render_summary_markdown(run, books, summary, ())).text


def make_kept(controls: int, p_z: Sequence[float] = (1e-30, 1e-12, 1e-20)) -> list[Outcome]:
    """A book that is known better than its controls, whose best window has a p_z of 10^-33."""
    unseen = [toy.make_book([1e-40, 1e-33, 1e-50], name=f"unseen-{n}", role="control") for n in range(controls)]
    book = toy.make_book(p_z, name="kept")
    own = toy.compute_outcome(book, toy.make_control(*unseen) if unseen else None)
    return [own, *(toy.compute_outcome(control) for control in unseen)]


def test_page_of_zeros_says_the_best_window_and_the_controls() -> None:
    books = make_kept(2)
    assert books[0].statistics.headline.windows == 0
    words = " ".join(books[0].best_words.split())
    for text in render_both(books):
        assert f"No window reaches p_z = 0.001; the best is 1 × 10⁻¹² (“{words}”, characters 30 to 50)" in text
        assert "the controls' best is 1 × 10⁻³³ (unseen-0, “" in text
        assert "Of 2 controls, none is as extreme as the book: p = 0.333, 1 in 3, the least possible." in text
        assert "100.0% (≥ 20.7%) of the 3 windows compared lie above p_z = 1 × 10⁻³³" in text
    for text in render_both(books, report_text="none"):
        assert "the best is 1 × 10⁻¹² (characters 30 to 50)" in text
        assert words not in text
    for text in render_both(make_kept(0)):
        assert "the best is 1 × 10⁻¹²" in text
        assert "the controls' best" not in text
        assert "No control was measured" in text


def test_memorised_is_said_with_19_controls_only() -> None:
    for controls in (1, 18, 19):
        for text in render_both(make_kept(controls)):
            claims = text.partition("Before you publish")[0]
            assert ("may be called memorised." in claims.replace("Nothing may be", "")) == (controls == 19)
            assert ("Nothing may be called memorised: that takes 19 controls." in claims) == (controls < 19)
    assert "p = 0.5, 1 in 2, the least possible" in render_both(make_kept(1))[0]


def test_tables_of_the_controls_are_those_of_the_calibration() -> None:
    """Of the book one window is extractable, one easily drawn but as the control is, one above it, one like it."""
    control = toy.make_book([0.1, 1e-9, 1e-9, 1e-9], name="unseen", role="control")
    book = toy.compute_outcome(toy.make_book([0.9, 0.05, 1e-9, 1e-20], name="mixed"), toy.make_control(control))
    for text in render_both([book, toy.compute_outcome(control)]):
        assert "windows compared 1 0 1 2 0 characters compared" in text
        assert "windows 10.0% none without unseen unseen, characters 20 to 40 25.0% at most 1 in 2" in text
        assert (
            "characters at 0.5 40.0% 0.0% (≤ 79.3%) 0.5 windows at 0.001 50.0% 25.0% 0.5 longest passage 20 0 0.5"
            in text
        )
        assert "mixed 5 " in text or "mixed" in text
        assert "easily drawn but not above t is counted apart" in text
