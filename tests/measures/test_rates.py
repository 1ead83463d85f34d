import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest

from byheart.contracts.books import Chapter
from byheart.contracts.only import Span
from byheart.measures.blocks import cut_blocks
from byheart.measures.discoverable import THRESHOLDS, N, P
from byheart.measures.measured import MeasuredBook, find_first_covered
from byheart.measures.rates import Rate, Rates, count_hits
from byheart.measures.uncertainty import Counts
from byheart.measures.units import NoInterval
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in (0, 40, 90, 100, 250, 300, 420, 560, 700, 820))


def make_random_book(seed: int, *, windows: int = 100, chapters: tuple[Chapter, ...] = CHAPTERS) -> MeasuredBook:
    random = np.random.default_rng(seed)
    plain = np.exp(-random.exponential(4, windows))
    top_k = np.where(random.random(windows) < 0.3, 0.0, np.sqrt(plain))
    return toy.make_book(plain, p_z_top_k=top_k, characters=1_100, chapters=chapters, name=f"book-{seed}")


def compute_plain(book: MeasuredBook) -> Rates:
    return toy.compute_outcome(book).rates.plain


def list_rates(rates: Rates) -> Iterator[Rate]:
    """Every rate, in the order in which they are counted."""
    yield rates.greedy
    yield from rates.windows_at.values()
    for along_n in rates.discoverable.values():
        yield from along_n
    yield from rates.coverage_at.suffix.values()
    yield from rates.coverage_at.window.values()


def shares(rates: Rates) -> list[float | None]:
    return [rate.share for rate in list_rates(rates)]


@pytest.mark.parametrize("scheme", ["plain", "top_k"])
def test_counts_of_each_block_are_those_of_a_naive_loop(scheme: str) -> None:
    book = make_random_book(0)
    blocks = cut_blocks(book.book, [Span(start=0, stop=1_100)], 90)
    assert blocks.unit == "chapters"
    scheme_of_book = getattr(book.schemes, scheme)
    counted, p_z = count_hits(book, scheme_of_book, blocks), np.exp(scheme_of_book.log_p_z)
    starts = [int(start) for start in blocks.starts]
    for block, (start, stop) in enumerate(zip(starts, [*starts[1:], 1_100], strict=True)):
        one_block = dataclasses.replace(counted, hits=counted.hits[[block]], totals=counted.totals[[block]])
        rates = Rates.from_counts(one_block)
        inside = [w for w in range(100) if start <= book.windows.suffix_start[w] < stop]
        assert rates.greedy.share == compute_share(bool(book.scores.greedy[w]) for w in inside)
        for threshold in THRESHOLDS:
            assert rates.windows_at[threshold].share == compute_share(p_z[w] >= threshold for w in inside)
        for p in P:
            for index, n in enumerate(N[:20]):  # larger n lose p_z in 1 - p_z; test_discoverable.py checks them
                drawn = (-math.expm1(n * math.log1p(-p_z[w])) >= p for w in inside)
                assert rates.discoverable[p][index].share == compute_share(drawn), (p, n)
        for first, coverage in (
            (find_first_covered(book.windows).suffix, rates.coverage_at.suffix),
            (find_first_covered(book.windows).window, rates.coverage_at.window),
        ):
            best = [
                max((p_z[w] for w in range(100) if first[w] <= c < book.windows.stop[w]), default=None)
                for c in range(start, stop)
            ]
            for threshold in THRESHOLDS:
                assert coverage[threshold].share == compute_share(
                    value >= threshold for value in best if value is not None
                )


def compute_share(hits: Iterator[bool]) -> float | None:
    observations = list(hits)
    return sum(observations) / len(observations) if observations else None


def test_rates_are_all_there() -> None:
    assert len(shares(compute_plain(make_random_book(1)))) == 1 + 5 + len(P) * len(N) + 2 * 5


def test_interval_holds_the_rate_and_is_about_as_wide_as_the_blocks_say() -> None:
    """60 chapters of 10,000 characters with ten windows each."""
    chapters = tuple(Chapter(title=str(start), start=start) for start in range(0, 600_000, 10_000))
    p_z = np.exp(-np.random.default_rng(2).exponential(7, 600))
    outcome = toy.compute_outcome(toy.make_book(p_z, chapters=chapters, stride=1_000))
    assert (outcome.statistics.uncertainty.block, outcome.statistics.uncertainty.block_characters) == (
        "chapters", 10_000,
    )  # fmt: skip
    rate = outcome.rates.plain.windows_at[0.1]
    assert rate.share is not None
    assert rate.interval is not None
    assert rate.interval[0] < rate.share < rate.interval[1]
    hits = (p_z >= 0.1).reshape(60, 10).sum(axis=1)
    deviation = hits.std(ddof=1) / math.sqrt(60) / 10
    assert rate.interval[1] - rate.interval[0] == pytest.approx(2 * 2.001 * deviation, rel=0.05)
    assert rate.effective_sample == pytest.approx(rate.share * (1 - rate.share) / deviation**2)


def test_stretches_that_are_long_make_long_blocks() -> None:
    """Six of twelve stretches of 100 windows are known, and windows lie 100 characters apart."""
    p_z = np.where(np.arange(1_200) // 100 % 2, 0.9, 1e-9)
    statistics = toy.compute_numbers(toy.make_book(p_z, stride=100))
    assert (statistics.uncertainty.block_characters, statistics.uncertainty.blocks) == (2 * 9_920, 6)
    assert statistics.plain.windows_at[0.5].interval
    one = toy.compute_numbers(toy.make_book(np.where(np.arange(1_200) < 100, 0.9, 1e-9), stride=100)).plain
    assert one.windows_at[0.5].no_interval == NoInterval.FEW_STRETCHES
    assert one.coverage_at.window[0.5].no_interval == NoInterval.FEW_STRETCHES
    curve = one.extraction_rates.at[0.5]
    assert curve.interval_low == [None] * len(N)


def test_book_of_few_blocks_has_rates_without_intervals() -> None:
    rate = compute_plain(make_random_book(3, chapters=())).windows_at[0.1]
    assert rate.share is not None
    assert (rate.interval, rate.no_interval, rate.effective_sample) == (None, NoInterval.FEW_BLOCKS, None)


def test_book_without_windows_has_no_rates() -> None:
    nothing = Rate(share=None, interval=None, no_interval=NoInterval.NOTHING, effective_sample=None)
    assert set(list_rates(compute_plain(toy.make_book([], characters=30)))) == {nothing}


def average(books: list[Counts]) -> Rates:
    return Rates.from_counts(Counts.average(books))


def test_mean_gives_each_book_the_same_weight() -> None:
    books = [
        toy.compute_outcome(make_random_book(seed, windows=windows)) for seed, windows in ((4, 100), (5, 10), (6, 55))
    ]
    mean = average([book.counts.plain for book in books])
    own = np.array([shares(book.rates.plain) for book in books], float)
    assert shares(mean) == pytest.approx(own.mean(axis=0))


def test_mean_leaves_out_a_book_without_a_value() -> None:
    book, empty = toy.compute_outcome(make_random_book(7)), toy.compute_outcome(toy.make_book([], characters=30))
    mean = average([book.counts.plain, empty.counts.plain])
    assert mean.windows_at[0.1].share == book.rates.plain.windows_at[0.1].share
    assert average([empty.counts.plain]).windows_at[0.1].share is None


def test_mean_of_books_has_an_interval_for_other_such_books() -> None:
    """Each book is a block, however short it is; with one there is none."""
    counts = [toy.compute_outcome(make_random_book(seed)).counts.plain for seed in range(8, 20)]
    rate = average(counts).windows_at[0.1]
    own = [share for share in (Rates.from_counts(book).windows_at[0.1].share for book in counts) if share is not None]
    assert rate.interval is not None
    assert rate.interval[0] < np.mean(own) < rate.interval[1]
    assert average(counts[:1]).windows_at[0.1].no_interval == NoInterval.FEW_BLOCKS
    assert average(counts).discoverable[0.5][-1].no_interval == NoInterval.BELOW_FLOOR
