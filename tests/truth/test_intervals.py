"""How often the intervals hold the rate of the source that made a book: simulations with sources of their own."""

from collections.abc import Callable

import numpy as np
import pytest

from byheart.contracts.books import Book
from byheart.contracts.only import Span
from byheart.measures.blocks import choose_block_length, cut_blocks, find_stretches
from byheart.measures.uncertainty import Counts, Uncertain, measure_uncertainty
from tests.measures import toy

BOOKS = 4_000
Source = Callable[[np.random.Generator, float, tuple[int, int]], np.ndarray]


def draw_known_or_not(random: np.random.Generator, rate: float, shape: tuple[int, int]) -> np.ndarray:
    """Blocks of which the model knows 97% or 1%."""
    known = random.random(shape) < (rate - 0.01) / 0.96
    return np.where(known, 0.97, 0.01)


def draw_all_or_nothing(random: np.random.Generator, rate: float, shape: tuple[int, int]) -> np.ndarray:
    return (random.random(shape) < rate).astype(float)


def draw_ragged(random: np.random.Generator, rate: float, shape: tuple[int, int]) -> np.ndarray:
    """Blocks of which it knows 94 to 100%, or up to 2%."""
    known = random.random(shape) < (rate - 0.01) / 0.96
    return np.where(known, random.uniform(0.94, 1, shape), random.uniform(0, 0.02, shape))


def draw_graded(random: np.random.Generator, rate: float, shape: tuple[int, int]) -> np.ndarray:
    return random.beta(8 * rate, 8 * (1 - rate), shape)


def draw_polarised(random: np.random.Generator, rate: float, shape: tuple[int, int]) -> np.ndarray:
    """Most blocks nearly known or nearly unknown, with some in between."""
    return random.beta(2 * rate, 2 * (1 - rate), shape)


SOURCES: list[Source] = [draw_known_or_not, draw_all_or_nothing, draw_ragged, draw_graded, draw_polarised]


def simulate(source: Source, blocks: int, rate: float, *, spread: float = 0.3) -> tuple[float, float]:
    """How often the interval holds the rate, and its median width; blocks differ in length by `spread` (log scale)."""
    random = np.random.default_rng([blocks, round(1_000 * rate)])
    totals = random.lognormal(7, spread, (blocks, BOOKS)).round()
    hits = random.binomial(totals.astype(int), source(random, rate, totals.shape)).astype(float)
    found = measure_uncertainty(Counts(hits=hits, totals=totals, stretches=np.full(BOOKS, np.inf)))
    bounds = np.array([uncertain.interval for uncertain in found], float)
    return float(np.mean((bounds[:, 0] <= rate) & (rate <= bounds[:, 1]))), float(np.median(np.diff(bounds)))


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("blocks", [10, 20, 40, 100])
@pytest.mark.parametrize("source", SOURCES)
def test_interval_holds_the_rate_of_other_books(source: Source, blocks: int, rate: float) -> None:
    assert simulate(source, blocks, rate)[0] >= 0.93


@pytest.mark.parametrize("rate", [0.5, 0.7, 0.97])
def test_interval_holds_large_rates_as_it_holds_small_ones(rate: float) -> None:
    assert simulate(draw_all_or_nothing, 20, rate)[0] >= 0.93


@pytest.mark.parametrize(
    ("blocks", "rate", "holds", "width"),
    [
        (10, 0.3, 1.0, 0.67), (10, 0.03, 1.0, 0.34), (40, 0.3, 0.96, 0.27), (40, 0.03, 1.0, 0.17),
        (100, 0.3, 0.95, 0.17), (100, 0.03, 0.98, 0.10),
    ],
)  # fmt: skip
def test_table_of_the_docs(blocks: int, rate: float, holds: float, width: float) -> None:
    """docs/numbers.md, How sure a rate is: blocks of equal length of which the model knows 97% or 1%."""
    assert simulate(draw_known_or_not, blocks, rate, spread=0.0) == pytest.approx((holds, width), abs=0.012)


def measure_book(
    random: np.random.Generator, characters: int, known: float, rate: float, *, uneven: bool = False
) -> tuple[Uncertain, Counts]:
    """A book whose known stretches are `known` characters long, more or less, and fall anywhere.

    Within a stretch, one window in a hundred is not known. Windows lie 100 characters apart.
    """
    gap = known * (1 - rate) / rate
    at = -random.uniform(10, 20) * (known + gap)
    hits = np.zeros(characters // 100, bool)
    while at < characters:
        at += random.exponential(gap)
        length = random.exponential(known) if uneven else known * random.uniform(0.8, 1.2)
        hits[max(int(at // 100), 0) : max(int((at + length) // 100), 0)] = True
        at += length
    hits &= random.random(len(hits)) > 0.01
    windows = toy.make_windows(len(hits), stride=100, prompt=0, suffix=100)
    spans = [Span(start=0, stop=characters)]
    stretches = find_stretches(hits, windows, spans)
    book = Book(name="b", source="b.txt", text="x" * characters)
    blocks = cut_blocks(book, spans, choose_block_length(stretches))
    counts = Counts.count(
        [hits], among=np.ones(len(hits), bool), block=blocks.find(windows.suffix_start), blocks=len(blocks),
        stretches=[len(stretches)],
    )  # fmt: skip
    [uncertain] = measure_uncertainty(counts)
    return uncertain, counts


@pytest.mark.parametrize(
    ("characters", "known", "rate"),
    [(400_000, 3_000, 0.1), (400_000, 3_000, 0.3), (1_000_000, 30_000, 0.1), (1_000_000, 30_000, 0.3)],
)
def test_blocks_grow_with_the_stretches_that_are_known(characters: int, known: int, rate: float) -> None:
    """Among the books that have an interval, which is nearly all; with blocks of 10,000 it was half of them."""
    random = np.random.default_rng(known)
    found = [measure_book(random, characters, known, rate)[0].interval for _ in range(600)]
    bounds = np.array([interval for interval in found if interval])
    assert len(bounds) > 400
    assert np.mean((bounds[:, 0] <= rate) & (rate <= bounds[:, 1])) >= 0.93


def test_stretches_of_very_different_lengths_are_worst() -> None:
    """As docs/numbers.md says: the longest among many short ones decide the rate, and 85 blocks are too sure of it."""
    random = np.random.default_rng(1)
    found = [measure_book(random, 1_000_000, 3_000, 0.1, uneven=True)[0].interval for _ in range(1_000)]
    bounds = np.array([interval for interval in found if interval])
    rate = 0.1
    assert np.mean((bounds[:, 0] <= rate) & (rate <= bounds[:, 1])) == pytest.approx(0.9, abs=0.02)


def test_nothing_found_bounds_only_what_comes_in_short_stretches() -> None:
    """A book of 400,000 characters in which stretches of 30,000 are rare: where it has none, no data can say so."""
    random = np.random.default_rng(0)
    measured = [measure_book(random, 400_000, 30_000, 0.1) for _ in range(300)]
    empty = [uncertain.interval for uncertain, counts in measured if not counts.hits.any()]
    assert 0.1 < len(empty) / 300 < 0.35
    assert [interval[1] for interval in empty if interval] == pytest.approx([1 - 40 ** (-1 / 40)] * len(empty))
    assert 1 - 40 ** (-1 / 40) < 0.1
