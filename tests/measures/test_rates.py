import math
from collections.abc import Iterator

import numpy as np
import pytest

from byheart.contracts.books import Chapter
from byheart.measures.discoverable import THRESHOLDS, N, P
from byheart.measures.measured import MeasuredBook, find_first_covered
from byheart.measures.rates import Rate, Rates, count_hits
from byheart.measures.uncertainty import Counts, cut_blocks
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
    blocks, scheme_of_book = cut_blocks(book.book), getattr(book.schemes, scheme)
    counted, p_z = count_hits(book, scheme_of_book, blocks), np.exp(scheme_of_book.log_p_z)
    starts = [int(start) for start in blocks.starts]
    for block, (start, stop) in enumerate(zip(starts, [*starts[1:], 1_100], strict=True)):
        rates = Rates.from_counts(Counts(hits=counted.hits[[block]], totals=counted.totals[[block]]))
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
    chapters = tuple(Chapter(title=str(start), start=start) for start in range(0, 6_000, 100))
    book = toy.make_book(np.exp(-np.random.default_rng(2).exponential(4, 600)), chapters=chapters)
    rate = compute_plain(book).windows_at[0.1]
    assert rate.share is not None
    assert rate.interval is not None
    assert rate.interval[0] < rate.share < rate.interval[1]
    block = cut_blocks(book.book).find(book.windows.suffix_start)
    hits = np.bincount(block, book.scores.log_p_z >= math.log(0.1), minlength=60)
    totals = np.bincount(block, minlength=60)
    deviation = math.sqrt(((hits - rate.share * totals) ** 2).sum()) / totals.sum()
    assert rate.interval[1] - rate.interval[0] == pytest.approx(2 * 1.96 * deviation, rel=0.3)
    assert rate.effective_sample == pytest.approx(rate.share * (1 - rate.share) / deviation**2, rel=0.3)


def test_book_of_few_blocks_has_rates_without_intervals() -> None:
    rate = compute_plain(make_random_book(3, chapters=())).windows_at[0.1]
    assert rate.share is not None
    assert (rate.interval, rate.effective_sample) == (None, None)


def test_book_without_windows_has_no_rates() -> None:
    nothing = Rate(share=None, interval=None, effective_sample=None)
    assert set(list_rates(compute_plain(toy.make_book([], characters=30)))) == {nothing}


def test_mean_gives_each_book_the_same_weight() -> None:
    books = [
        toy.compute_outcome(make_random_book(seed, windows=windows)) for seed, windows in ((4, 100), (5, 10), (6, 55))
    ]
    mean = Rates.average([book.counts.plain for book in books])
    own = np.array([shares(book.rates.plain) for book in books], float)
    assert shares(mean) == pytest.approx(own.mean(axis=0))


def test_mean_leaves_out_a_book_without_a_value() -> None:
    book, empty = toy.compute_outcome(make_random_book(7)), toy.compute_outcome(toy.make_book([], characters=30))
    mean = Rates.average([book.counts.plain, empty.counts.plain])
    assert mean.windows_at[0.1] == book.rates.plain.windows_at[0.1]
    assert Rates.average([empty.counts.plain]).windows_at[0.1].share is None


def test_mean_has_no_interval_if_one_of_its_books_has_none() -> None:
    books = [make_random_book(8), make_random_book(9, chapters=())]
    assert Rates.average([toy.compute_outcome(book).counts.plain for book in books]).windows_at[0.1].interval is None


def test_mean_of_alike_books_is_surer_than_each_of_them() -> None:
    """Their errors are independent: the interval of a mean of four is about half as wide."""
    random = np.random.default_rng(0)
    shape = (4, 40, 1 + 5 + len(P) * len(N) + 2 * 5)
    books = [
        Counts(hits=hits, totals=np.full(shape[1:], 50.0)) for hits in random.binomial(50, 0.3, shape).astype(float)
    ]

    def width(rates: Rates) -> float:
        assert rates.greedy.interval is not None
        low, high = rates.greedy.interval
        return high - low

    assert width(Rates.average(books)) == pytest.approx(
        np.mean([width(Rates.from_counts(book)) for book in books]) / 2, rel=0.2
    )
    assert width(Rates.average(books)) == pytest.approx(width(Rates.from_counts(Counts.pool(books))), rel=0.2)
    assert width(Rates.average(books[:1] * 4)) == pytest.approx(width(Rates.from_counts(books[0])) / 2, rel=0.2)
