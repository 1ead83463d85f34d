import math
from collections.abc import Iterator

import numpy as np
import pytest

from byheart.contracts.books import Chapter
from byheart.measures.discoverable import THRESHOLDS, N, P
from byheart.measures.measured import Measured, first_covered
from byheart.measures.rates import Rate, Rates, count
from byheart.measures.uncertainty import Counts, blocks
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in (0, 40, 90, 100, 250, 300, 420, 560, 700, 820))


def random_book(seed: int, *, windows: int = 100, chapters: tuple[Chapter, ...] = CHAPTERS) -> Measured:
    random = np.random.default_rng(seed)
    plain = np.exp(-random.exponential(4, windows))
    top_k = np.where(random.random(windows) < 0.3, 0.0, np.sqrt(plain))
    return toy.measured(plain, p_z_top_k=top_k, characters=1_100, chapters=chapters, name=f"book-{seed}")


def plain(book: Measured) -> Rates:
    return toy.outcome(book).rates.plain


def each(rates: Rates) -> Iterator[Rate]:
    """Every rate, in the order in which they are counted."""
    yield rates.greedy
    yield from rates.windows_at.values()
    for along_n in rates.discoverable.values():
        yield from along_n
    yield from rates.coverage_at.suffix.values()
    yield from rates.coverage_at.window.values()


def shares(rates: Rates) -> list[float | None]:
    return [rate.share for rate in each(rates)]


@pytest.mark.parametrize("scheme", ["plain", "top_k"])
def test_counts_of_each_block_are_those_of_a_naive_loop(scheme: str) -> None:
    book = random_book(0)
    cut, held = blocks(book.book), getattr(book.schemes, scheme)
    counted, p_z = count(book, held, cut), np.exp(held.log_p_z)
    starts = [int(start) for start in cut.starts]
    for block, (start, stop) in enumerate(zip(starts, [*starts[1:], 1_100], strict=True)):
        rates = Rates.of(Counts(hits=counted.hits[[block]], totals=counted.totals[[block]]))
        inside = [w for w in range(100) if start <= book.windows.suffix_start[w] < stop]
        assert rates.greedy.share == of(bool(book.scores.greedy[w]) for w in inside)
        for threshold in THRESHOLDS:
            assert rates.windows_at[threshold].share == of(p_z[w] >= threshold for w in inside)
        for p in P:
            for place, n in enumerate(N[:20]):  # beyond, p_z is lost in 1 - p_z: test_discoverable.py holds those
                drawn = (-math.expm1(n * math.log1p(-p_z[w])) >= p for w in inside)
                assert rates.discoverable[p][place].share == of(drawn), (p, n)
        for first, found in (
            (first_covered(book.windows).suffix, rates.coverage_at.suffix),
            (first_covered(book.windows).window, rates.coverage_at.window),
        ):
            best = [
                max((p_z[w] for w in range(100) if first[w] <= c < book.windows.stop[w]), default=None)
                for c in range(start, stop)
            ]
            for threshold in THRESHOLDS:
                assert found[threshold].share == of(value >= threshold for value in best if value is not None)


def of(hits: Iterator[bool]) -> float | None:
    held = list(hits)
    return sum(held) / len(held) if held else None


def test_rates_are_all_there() -> None:
    assert len(shares(plain(random_book(1)))) == 1 + 5 + len(P) * len(N) + 2 * 5


def test_interval_holds_the_rate_and_is_about_as_wide_as_the_blocks_say() -> None:
    chapters = tuple(Chapter(title=str(start), start=start) for start in range(0, 6_000, 100))
    book = toy.measured(np.exp(-np.random.default_rng(2).exponential(4, 600)), chapters=chapters)
    found = plain(book).windows_at[0.1]
    assert found.share is not None
    assert found.interval is not None
    assert found.interval[0] < found.share < found.interval[1]
    block = blocks(book.book).of(book.windows.suffix_start)
    hits = np.bincount(block, book.scores.log_p_z >= math.log(0.1), minlength=60)
    totals = np.bincount(block, minlength=60)
    deviation = math.sqrt(((hits - found.share * totals) ** 2).sum()) / totals.sum()
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * 1.96 * deviation, rel=0.3)
    assert found.effective_sample == pytest.approx(found.share * (1 - found.share) / deviation**2, rel=0.3)


def test_book_of_few_blocks_has_rates_without_intervals() -> None:
    found = plain(random_book(3, chapters=())).windows_at[0.1]
    assert found.share is not None
    assert (found.interval, found.effective_sample) == (None, None)


def test_book_without_windows_has_no_rates() -> None:
    nothing = Rate(share=None, interval=None, effective_sample=None)
    assert set(each(plain(toy.measured([], characters=30)))) == {nothing}


def test_mean_gives_each_book_the_same_weight() -> None:
    books = [toy.outcome(random_book(seed, windows=windows)) for seed, windows in ((4, 100), (5, 10), (6, 55))]
    mean = Rates.mean([book.counts.plain for book in books])
    own = np.array([shares(book.rates.plain) for book in books], float)
    assert shares(mean) == pytest.approx(own.mean(axis=0))


def test_mean_leaves_out_a_book_without_a_value() -> None:
    held, empty = toy.outcome(random_book(7)), toy.outcome(toy.measured([], characters=30))
    mean = Rates.mean([held.counts.plain, empty.counts.plain])
    assert mean.windows_at[0.1] == held.rates.plain.windows_at[0.1]
    assert Rates.mean([empty.counts.plain]).windows_at[0.1].share is None


def test_mean_has_no_interval_if_one_of_its_books_has_none() -> None:
    books = [random_book(8), random_book(9, chapters=())]
    assert Rates.mean([toy.outcome(book).counts.plain for book in books]).windows_at[0.1].interval is None


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

    assert width(Rates.mean(books)) == pytest.approx(np.mean([width(Rates.of(book)) for book in books]) / 2, rel=0.2)
    assert width(Rates.mean(books)) == pytest.approx(width(Rates.of(Counts.pooled(books))), rel=0.2)
    assert width(Rates.mean(books[:1] * 4)) == pytest.approx(width(Rates.of(books[0])) / 2, rel=0.2)
