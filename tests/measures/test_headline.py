import numpy as np
import pytest

from byheart.contracts.books import Chapter
from byheart.measures.headline import best_known_first, figures, metrics, show
from byheart.measures.summary import summarize
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in range(0, 3_000, 300))
CONTROL = toy.measured([0.6] + [1e-9] * 29, name="unseen", role="control")
BOOK = toy.outcome(
    toy.measured(np.exp(-np.random.default_rng(0).exponential(2, 300)), name="the-book", chapters=CHAPTERS),
    toy.control(CONTROL),
)
UNSEEN = toy.outcome(CONTROL)
EMPTY = toy.outcome(toy.measured([], characters=30, name="empty"))


def test_figures_are_the_headline_with_interval_and_control_beside() -> None:
    coverage, windows, longest = figures(BOOK.statistics, longest_control=20)
    headline, plain = BOOK.statistics.headline, BOOK.statistics.plain
    assert (coverage.value, windows.value, longest.value) == (headline.coverage, headline.windows, headline.longest)
    assert (coverage.interval, windows.interval, longest.interval) == (
        plain.coverage_at.suffix[0.5].interval, plain.windows_at[0.001].interval, None,
    )  # fmt: skip
    assert (coverage.control, windows.control, longest.control) == (20 / 310, 1 / 30, 20)
    assert [figure.control for figure in figures(UNSEEN.statistics, longest_control=20)] == [None] * 3
    assert coverage.what == "of measurable characters lie in a suffix with p_z ≥ 0.5"


@pytest.mark.parametrize(("value", "shown"), [(0.5136, "51.4%"), (3855, "3,855"), (0.0, "0.0%"), (0, "0"), (None, "–")])
def test_shares_are_shown_in_per_cent_and_counts_with_their_thousands(value: float | None, shown: str) -> None:
    assert show(value) == shown


def test_metrics_are_each_books_headline_by_names_that_people_read() -> None:
    books = [BOOK, UNSEEN, EMPTY]
    headline = BOOK.statistics.headline
    assert metrics(books, summarize(books, toy.run().provenance)) == {
        "the-book: share of characters with p_z >= 0.5": headline.coverage,
        "the-book: share of windows with p_z >= 0.001": headline.windows,
        "the-book: longest passage at p_z >= 0.5, in characters": headline.longest,
        "unseen: share of characters with p_z >= 0.5": 20 / 310,
        "unseen: share of windows with p_z >= 0.001": 1 / 30,
        "unseen: longest passage at p_z >= 0.5, in characters": 20,
        "empty: longest passage at p_z >= 0.5, in characters": 0,
    }


def test_metrics_of_many_books_are_of_all_together() -> None:
    books = [*(toy.described(BOOK, name=f"book-{number}") for number in range(5)), UNSEEN]
    summary = summarize(books, toy.run().provenance)
    assert summary.books
    assert summary.controls
    told = metrics(books, summary)
    assert len(told) == 3 + 2 + 3 + 2
    name = "share of windows with p_z >= 0.001"
    assert told[f"books in one pool: {name}"] == summary.books.plain.micro.windows_at[0.001].share
    assert told[f"mean of the controls: {name}"] == summary.controls.plain.macro.windows_at[0.001].share
    longest = "longest passage at p_z >= 0.5, in characters"
    assert told[f"books in one pool: {longest}"] == BOOK.statistics.headline.longest > 20
    assert told[f"controls in one pool: {longest}"] == 20


def test_books_are_sorted_by_what_is_covered_then_by_windows_and_controls_come_last() -> None:
    """Both of the first two have all their characters covered; of the one, all windows reach the floor."""
    all_known = toy.outcome(toy.measured([0.9] * 3, name="all"))
    hole = toy.outcome(toy.measured([0.9, 1e-9, 0.9], name="hole"))
    books = [UNSEEN, EMPTY, BOOK, hole, all_known]
    found = sorted(books, key=lambda outcome: best_known_first(outcome.statistics))
    assert [outcome.book.name for outcome in found] == ["all", "hole", "the-book", "empty", "unseen"]
