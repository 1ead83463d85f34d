"""The joint rates of a run's books, compared with sums by loops."""

import numpy as np
import pytest

from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.summary import BookGroup, Summary, summarize
from byheart.measures.units import NoInterval
from tests.measures import toy
from tests.measures.several import BOOKS, CONTROLS, count_reached, p_z


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarize([toy.compute_outcome(book) for book in [*BOOKS, *CONTROLS]], toy.make_run().provenance)


def get_books(summary: Summary) -> BookGroup:
    assert summary.books
    return summary.books


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_rates_of_windows_are_pooled_and_averaged_over_books(summary: Summary, threshold: float) -> None:
    for group, books in ((summary.books, BOOKS), (summary.controls, CONTROLS)):
        assert group
        for scheme, averages in (("plain", group.plain), ("top_k", group.top_k)):
            hits = [p_z(book, scheme) >= threshold for book in books]
            assert averages.micro.windows_at[threshold].share == pytest.approx(np.mean(np.concatenate(hits)))
            assert averages.macro.windows_at[threshold].share == pytest.approx(np.mean([np.mean(own) for own in hits]))


@pytest.mark.parametrize("coverage", ["suffix", "window"])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_rates_of_characters_are_pooled_and_averaged_over_books(
    summary: Summary, threshold: float, coverage: str
) -> None:
    counts = [count_reached(book, threshold, coverage) for book in BOOKS]
    micro, macro = (
        getattr(rates, f"{coverage}_coverage_at")[threshold]
        for rates in (get_books(summary).plain.micro, get_books(summary).plain.macro)
    )
    assert micro.share == pytest.approx(sum(hits for hits, _ in counts) / sum(total for _, total in counts))
    assert macro.share == pytest.approx(np.mean([hits / total for hits, total in counts]))


def test_books_and_controls_are_never_mixed(summary: Summary) -> None:
    assert summary.controls
    assert (get_books(summary).count, summary.controls.count) == (3, 2)
    assert summary.controls.plain.micro.windows_at[0.001].share == pytest.approx(1 / 25)
    assert summary.controls.plain.macro.windows_at[0.001].share == pytest.approx(1 / 40)


def test_intervals_are_over_the_blocks_of_all_books_and_over_books() -> None:
    """Two books of two and three blocks; a third is a block by itself."""
    random = np.random.default_rng(0)
    books = [toy.make_book(np.exp(-random.exponential(4, count)), stride=1_000) for count in (20, 30, 5)]
    group = get_books(summarize([toy.compute_outcome(book) for book in books], toy.make_run().provenance))
    assert sum(group.blocks.values()) <= 6
    micro, macro = group.plain.micro.windows_at[0.1], group.plain.macro.windows_at[0.1]
    for rate in (micro, macro):
        assert rate.interval
        assert rate.no_interval is None
        assert rate.interval[0] < (rate.share or 0) < rate.interval[1]
    alone = get_books(summarize([toy.compute_outcome(books[2])], toy.make_run().provenance)).plain
    assert alone.micro.windows_at[0.1].no_interval == alone.macro.windows_at[0.1].no_interval == NoInterval.FEW_BLOCKS


def test_run_without_controls_says_so() -> None:
    provenance = toy.make_run().provenance
    assert summarize([toy.compute_outcome(book) for book in BOOKS], provenance).controls is None
    assert summarize([], provenance).books is None
