import numpy as np
import pytest

from byheart.measures.figures import show
from byheart.measures.headline import collect_metrics, list_figures, make_sort_key
from byheart.measures.summary import summarize
from byheart.measures.units import NoInterval
from tests.measures import toy

CONTROL = toy.make_book([0.6] + [1e-9] * 29, name="unseen", role="control")
BOOK = toy.compute_outcome(
    toy.make_book(np.exp(-np.random.default_rng(0).exponential(4, 300)), name="the-book", stride=1_000, suffix=30),
    toy.make_control(CONTROL),
)
UNSEEN = toy.compute_outcome(CONTROL)
SHOWN = 26
"""So many characters of a metric's name does Kubeflow's page show where it compares runs."""
EMPTY = toy.compute_outcome(toy.make_book([], characters=30, name="empty"))


def test_figures_are_the_headline_with_interval_and_control() -> None:
    coverage, windows, longest, bits = list_figures(BOOK.statistics, longest_control=20)
    headline, plain = BOOK.statistics.headline, BOOK.statistics.plain
    assert (coverage.value, windows.value, longest.value) == (headline.coverage, headline.windows, headline.longest)
    assert (coverage.interval, windows.interval, longest.interval) == (
        plain.coverage_at.suffix[0.5].interval, plain.windows_at[0.001].interval, None,
    )  # fmt: skip
    assert (coverage.control, windows.control, longest.control) == (20 / 310, 1 / 30, 20)
    assert [figure.control for figure in list_figures(UNSEEN.statistics, longest_control=20)] == [None] * 4
    assert BOOK.statistics.recall
    assert bits.value == headline.bits == BOOK.statistics.recall.bits_per_character
    assert UNSEEN.statistics.recall
    assert bits.control == UNSEEN.statistics.recall.bits_per_character, "there is one control"
    assert (coverage.no_interval, list_figures(UNSEEN.statistics)[0].no_interval) == (None, NoInterval.FEW_BLOCKS)
    assert coverage.phrase == "of measurable characters lie in a suffix with p_z ≥ 0.5"


def test_what_coverage_alone_hides_stands_beside_it() -> None:
    coverage = list_figures(BOOK.statistics)[0]
    p_z = np.exp(-np.random.default_rng(0).exponential(4, 300))
    # A suffix is 30 characters long and the next begins 1,000 later, so that the map is the windows.
    near = [f"{np.mean(p_z >= at):.1%}" for at in (0.45, 0.55, 0.5)]
    assert coverage.beside == f"{near[0]} at 0.45, {near[1]} at 0.55; {near[2]} of windows have p_z ≥ 0.5"
    assert len(set(near)) == 3, "of toy numbers that differ"


def test_none_and_all_have_the_bound_of_their_separate_windows() -> None:
    """Every tenth window of 40 characters begins 10 later: 8 of 30 share no character."""
    unseen, known = (
        toy.compute_numbers(toy.make_book([p_z] * 30), toy.make_control(toy.make_book([1e-9] * 30, role="control")))
        for p_z in (1e-9, 0.9)
    )
    z2 = 1.959964**2
    for statistics, bound in ((unseen, z2 / (8 + z2)), (known, 8 / (8 + z2))):
        for figure in list_figures(statistics)[:2]:
            assert figure.bound
            assert figure.bound.windows == 8
            assert figure.bound.share == pytest.approx(bound)
            assert figure.control_bound
            assert figure.control_bound.share == pytest.approx(z2 / (8 + z2))
    assert [figure.bound for figure in list_figures(unseen)[2:]] == [None, None], "neither is a share"
    assert list_figures(unseen)[0].shown_in_table == "0.0% (≤ 32.4%)"
    assert list_figures(known)[1].shown_in_table == "100.0% (≥ 67.6%)"
    assert [figure.bound for figure in list_figures(BOOK.statistics)] == [None] * 4


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5136, "51.4%"),
        (3855, "3,855"),
        (0.0, "0.0%"),
        (0, "0"),
        (None, "–"),
        (1e-4, "< 0.1%"),
        (0.9999, "> 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_shares_are_shown_in_per_cent_and_counts_with_thousands_separators(value: float | None, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    ("bits", "shown"), [(2.166, "2.17"), (0.1, "0.10"), (0.0316, "0.032"), (0.0, "0"), (None, "–")]
)
def test_bits_are_shown_with_two_digits_at_least(bits: float | None, shown: str) -> None:
    assert show(bits, "bits per character") == shown


def test_metrics_are_the_headline_of_each_book_under_readable_names() -> None:
    books = [BOOK, UNSEEN, EMPTY]
    headline = BOOK.statistics.headline
    assert collect_metrics(books, summarize(books, toy.make_run().provenance)) == {
        "chars p>=.5 the-book": headline.coverage,
        "windows p>=.001 the-book": headline.windows,
        "longest the-book": headline.longest,
        "bits/char the-book": headline.bits,
        "chars p>=.5 control unseen": 20 / 310,
        "windows p>=.001 control unseen": 1 / 30,
        "longest control unseen": 20,
        "bits/char control unseen": UNSEEN.statistics.headline.bits,
        "longest empty": 0,
    }


def test_metrics_of_many_books_are_joint_figures() -> None:
    books = [*(toy.change_description(BOOK, name=f"book-{number}") for number in range(5)), UNSEEN]
    summary = summarize(books, toy.make_run().provenance)
    assert summary.books
    assert summary.controls
    metrics = collect_metrics(books, summary)
    assert len({name[:SHOWN] for name in metrics}) == len(metrics) == 4 + 3 + 4 + 3
    assert metrics["windows p>=.001 books in one pool"] == summary.books.plain.micro.windows_at[0.001].share
    assert metrics["windows p>=.001 mean of controls"] == summary.controls.plain.macro.windows_at[0.001].share
    assert metrics["bits/char books in one pool"] == pytest.approx(BOOK.statistics.headline.bits)
    assert metrics["bits/char mean of books"] == pytest.approx(BOOK.statistics.headline.bits)
    assert metrics["longest books in one pool"] == BOOK.statistics.headline.longest > 20
    assert metrics["longest controls in one pool"] == 20


def test_metrics_of_few_books_are_their_own_beside_however_many_controls() -> None:
    for controls, joint in ((3, False), (5, True)):
        unseen = [toy.change_description(UNSEEN, name=f"unseen-{number}") for number in range(controls)]
        books = [toy.change_description(BOOK, name="one"), toy.change_description(BOOK, name="two"), *unseen]
        metrics = collect_metrics(books, summarize(books, toy.make_run().provenance))
        assert {"longest one", "longest two"} <= metrics.keys()
        assert len(metrics) == 2 * 4 + (4 + 3 if joint else 4 * controls)
        assert ("longest controls in one pool" in metrics) == joint
        assert "longest books in one pool" not in metrics


def test_metrics_of_a_book_and_its_control_differ_in_what_kubeflows_page_shows() -> None:
    books = [toy.change_description(one, name=f"the-adventures-of-{one.book.name}") for one in (BOOK, UNSEEN)]
    shown = [name[:SHOWN] for name in sorted(collect_metrics(books, summarize(books, toy.make_run().provenance)))]
    assert shown == [
        "bits/char control the-adve", "bits/char the-adventures-o",
        "chars p>=.5 control the-ad", "chars p>=.5 the-adventures",
        "longest control the-advent", "longest the-adventures-of-",
        "windows p>=.001 control th", "windows p>=.001 the-advent",
    ]  # fmt: skip


def test_books_of_which_nothing_is_covered_are_sorted_by_bits() -> None:
    """A model that knows `near` better still covers none of it; `floor` has a window at the floor."""
    books = [
        toy.compute_numbers(toy.make_book(p_z, name=name))
        for name, p_z in (("far", [1e-30] * 9), ("near", [1e-9] * 9), ("floor", [0.01] + [1e-30] * 8))
    ]
    assert [book.provenance.book.name for book in sorted(books, key=make_sort_key)] == ["near", "floor", "far"]


def test_books_are_sorted_by_coverage_then_by_windows_and_controls_come_last() -> None:
    """In `all` and `hole` all characters are covered; only in `all` do all windows reach the floor."""
    all_known = toy.compute_outcome(toy.make_book([0.9] * 3, name="all"))
    hole = toy.compute_outcome(toy.make_book([0.9, 1e-9, 0.9], name="hole"))
    books = [UNSEEN, EMPTY, BOOK, hole, all_known]
    ordered = sorted(books, key=lambda outcome: make_sort_key(outcome.statistics))
    assert [outcome.book.name for outcome in ordered] == ["all", "hole", "the-book", "empty", "unseen"]
