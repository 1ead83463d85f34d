"""The books of a run taken together, held against naive sums."""

import numpy as np
import pytest

from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.summary import Summary, Together, summarize
from tests.measures import toy
from tests.measures.several import BOOKS, CONTROLS, p_z, reached


@pytest.fixture(scope="module")
def found() -> Summary:
    return summarize([toy.outcome(book) for book in [*BOOKS, *CONTROLS]], toy.run().provenance)


def books_of(found: Summary) -> Together:
    assert found.books
    return found.books


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_windows_are_taken_together_in_one_pool_and_as_the_mean_of_the_books(found: Summary, threshold: float) -> None:
    for together, books in ((found.books, BOOKS), (found.controls, CONTROLS)):
        assert together
        for scheme, ways in (("plain", together.plain), ("top_k", together.top_k)):
            hits = [p_z(book, scheme) >= threshold for book in books]
            assert ways.micro.windows_at[threshold].share == pytest.approx(np.mean(np.concatenate(hits)))
            assert ways.macro.windows_at[threshold].share == pytest.approx(np.mean([np.mean(own) for own in hits]))


@pytest.mark.parametrize("coverage", ["suffix", "window"])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_characters_are_taken_together_in_the_same_two_ways(found: Summary, threshold: float, coverage: str) -> None:
    each = [reached(book, threshold, coverage) for book in BOOKS]
    micro, macro = (
        getattr(rates, f"{coverage}_coverage_at")[threshold]
        for rates in (books_of(found).plain.micro, books_of(found).plain.macro)
    )
    assert micro.share == pytest.approx(sum(hits for hits, _ in each) / sum(total for _, total in each))
    assert macro.share == pytest.approx(np.mean([hits / total for hits, total in each]))


def test_books_and_controls_are_never_mixed(found: Summary) -> None:
    assert found.controls
    assert (books_of(found).count, found.controls.count) == (3, 2)
    assert found.controls.plain.micro.windows_at[0.001].share == pytest.approx(1 / 25)
    assert found.controls.plain.macro.windows_at[0.001].share == pytest.approx(1 / 40)


def test_pool_has_an_interval_where_the_books_together_have_the_blocks(found: Summary) -> None:
    """Ten chapters and two books of one block; of the mean, two books have none of their own."""
    plain = books_of(found).plain
    micro = plain.micro.windows_at[0.1]
    assert micro.interval
    assert micro.interval[0] < (micro.share or 0) < micro.interval[1]
    assert plain.macro.windows_at[0.1].interval is None


def test_run_without_controls_says_so() -> None:
    provenance = toy.run().provenance
    assert summarize([toy.outcome(book) for book in BOOKS], provenance).controls is None
    assert summarize([], provenance).books is None
