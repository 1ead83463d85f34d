import math

import numpy as np
import pytest

from byheart.contracts.books import Chapter
from byheart.measures.discoverable import N, P
from byheart.measures.measured import Measured
from byheart.measures.rates import DISCOVERABLE, GREEDY, KINDS, THRESHOLDS, WINDOWS, Kind, Rates, count
from byheart.measures.uncertainty import Counts, blocks
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in (0, 40, 90, 100, 250, 300, 420, 560, 700, 820))


def random_book(seed: int, *, windows: int = 100, chapters: tuple[Chapter, ...] = CHAPTERS) -> Measured:
    random = np.random.default_rng(seed)
    plain = np.exp(-random.exponential(4, windows))
    top_k = np.where(random.random(windows) < 0.3, 0.0, np.sqrt(plain))
    return toy.measured(plain, p_z_top_k=top_k, characters=1_100, chapters=chapters, name=f"book-{seed}")


def naive(book: Measured, scheme: str, kind: Kind, span: range) -> tuple[int, int]:
    """The hits and the total of a kind in one block, observation by observation."""
    log_p_z, windows = book.schemes[scheme].log_p_z.tolist(), book.windows
    if kind[0] in ("suffix", "window"):
        first = windows.suffix_start if kind[0] == "suffix" else windows.start
        hits = total = 0
        for character in span:
            covering = [w for w in range(len(windows)) if first[w] <= character < windows.stop[w]]
            total += bool(covering)
            hits += any(log_p_z[w] >= math.log(kind[1]) for w in covering)
        return hits, total
    inside = [w for w in range(len(windows)) if windows.suffix_start[w] in span]
    if kind == GREEDY:
        return sum(bool(book.scores.greedy[w]) for w in inside), len(inside)
    if kind[0] == WINDOWS:
        return sum(log_p_z[w] >= math.log(kind[1]) for w in inside), len(inside)
    p, n = kind[1], kind[2]  # type: ignore[misc]
    # 1 - (1 - p_z)^n >= p; the values are random, so that no two sides are equal
    return sum(-math.expm1(n * math.log1p(-math.exp(log_p_z[w]))) >= p for w in inside), len(inside)


@pytest.mark.parametrize("scheme", ["plain", "top_k"])
def test_counts_of_each_block_are_those_of_a_naive_loop(scheme: str) -> None:
    book = random_book(0)
    cut = blocks(book.book)
    counts = count(book, book.schemes[scheme], cut)
    spans = [range(a, b) for a, b in zip(cut.starts, [*cut.starts[1:], 1_100], strict=True)]
    assert len(spans) == 10
    for place, kind in enumerate(KINDS):
        if kind[0] == DISCOVERABLE and kind[2] > 2**20:  # type: ignore[misc]
            continue  # p_z is lost in 1 - p_z: test_discoverable.py holds these
        for block, span in enumerate(spans):
            found = (counts.hits[block, place], counts.totals[block, place])
            assert found == naive(book, scheme, kind, span), (kind, block)


def test_kinds_are_all_there_and_apart() -> None:
    assert len(set(KINDS)) == len(KINDS) == 1 + 5 + len(P) * len(N) + 2 * 5


def test_rates_are_the_books_own() -> None:
    book = random_book(1)
    rates = toy.outcome(book).rates["plain"]
    for threshold in THRESHOLDS:
        assert rates.rate(WINDOWS, threshold) == np.mean(np.exp(book.scores.log_p_z) >= threshold)
    assert rates.rate(DISCOVERABLE, 0.5, 1) == rates.rate(WINDOWS, 0.5)
    assert rates.rate(*GREEDY) == book.scores.greedy.mean()


def test_interval_holds_the_rate_and_is_about_as_wide_as_the_blocks_say() -> None:
    chapters = tuple(Chapter(title=str(start), start=start) for start in range(0, 6_000, 100))
    book = toy.measured(np.exp(-np.random.default_rng(2).exponential(4, 600)), chapters=chapters)
    rates, cut = toy.outcome(book).rates["plain"], blocks(book.book)
    rate, interval = rates.rate(WINDOWS, 0.1), rates.interval(WINDOWS, 0.1)
    assert rate is not None
    assert interval is not None
    assert interval[0] < rate < interval[1]
    place = KINDS.index((WINDOWS, 0.1))
    counts = count(book, book.schemes["plain"], cut)
    hits, totals = counts.hits[:, place], counts.totals[:, place]
    deviation = math.sqrt(((hits - rate * totals) ** 2).sum()) / totals.sum()
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * deviation, rel=0.3)
    effective = rates.effective_sample(WINDOWS, 0.1)
    assert effective == pytest.approx(rate * (1 - rate) / deviation**2, rel=0.3)


def test_book_of_few_blocks_has_rates_without_intervals() -> None:
    rates = toy.outcome(random_book(3, chapters=())).rates["plain"]
    assert rates.rate(WINDOWS, 0.1) is not None
    assert rates.interval(WINDOWS, 0.1) is None
    assert rates.effective_sample(WINDOWS, 0.1) is None


def test_book_without_windows_has_no_rates() -> None:
    rates = toy.outcome(toy.measured([], characters=30)).rates["plain"]
    assert {rates.rate(*kind) for kind in KINDS} == {None}


def test_mean_gives_each_book_the_same_weight() -> None:
    books = [random_book(4), random_book(5, windows=10), random_book(6, windows=55)]
    each = [toy.outcome(book).rates["plain"] for book in books]
    mean = Rates.mean([toy.outcome(book).counts["plain"] for book in books])
    for kind in KINDS:
        assert mean.rate(*kind) == pytest.approx(np.mean([rates.rate(*kind) or 0.0 for rates in each]))


def test_mean_leaves_out_a_book_without_a_value() -> None:
    held, empty = toy.outcome(random_book(7)), toy.outcome(toy.measured([], characters=30))
    mean = Rates.mean([held.counts["plain"], empty.counts["plain"]])
    assert mean.rate(WINDOWS, 0.1) == held.rates["plain"].rate(WINDOWS, 0.1)
    assert mean.interval(WINDOWS, 0.1) == held.rates["plain"].interval(WINDOWS, 0.1)
    assert Rates.mean([empty.counts["plain"]]).rate(WINDOWS, 0.1) is None


def test_mean_has_no_interval_if_one_of_its_books_has_none() -> None:
    books = [random_book(8), random_book(9, chapters=())]
    assert Rates.mean([toy.outcome(book).counts["plain"] for book in books]).interval(WINDOWS, 0.1) is None


def test_mean_of_alike_books_is_surer_than_each_of_them() -> None:
    """Their errors are independent: the interval of a mean of four is about half as wide."""
    random = np.random.default_rng(0)
    shape = (4, 40, len(KINDS))
    books = [
        Counts(hits=hits, totals=np.full(shape[1:], 50.0)) for hits in random.binomial(50, 0.3, shape).astype(float)
    ]

    def width(rates: Rates) -> float:
        interval = rates.interval(*GREEDY)
        assert interval is not None
        return interval[1] - interval[0]

    assert width(Rates.mean(books)) == pytest.approx(np.mean([width(Rates.of(book)) for book in books]) / 2, rel=0.2)
    assert width(Rates.mean(books)) == pytest.approx(width(Rates.of(Counts.pooled(books))), rel=0.2)
    assert width(Rates.mean(books[:1] * 4)) == pytest.approx(width(Rates.of(books[0])) / 2, rel=0.2)
