"""Counts by block, and the intervals of their rates, compared with formulas in their textbook form."""

import math
from collections.abc import Sequence
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.measures.student import compute_t_probability, compute_t_quantile
from byheart.measures.uncertainty import (
    Counts,
    Uncertain,
    compute_wilson_interval,
    measure_uncertainty,
    select_non_overlapping,
)
from byheart.measures.units import Interval, NoInterval
from tests.measures import toy


def make_counts(
    hits: Sequence[float] | np.ndarray, totals: Sequence[float] | np.ndarray, stretches: float = 9
) -> Counts:
    """The counts of one rate."""
    return Counts(
        hits=np.array(hits, float)[:, None], totals=np.array(totals, float)[:, None], stretches=np.array([stretches])
    )


def measure_one(
    hits: Sequence[float] | np.ndarray, totals: Sequence[float] | np.ndarray, stretches: float = 9
) -> Uncertain:
    [uncertain] = measure_uncertainty(make_counts(hits, totals, stretches))
    return uncertain


def get_interval(uncertain: Uncertain) -> Interval:
    assert uncertain.interval
    assert uncertain.no_interval is None
    return uncertain.interval


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans(), st.booleans()), max_size=40))
def test_counts_are_those_of_a_naive_loop(observations: list[tuple[int, bool, bool, bool]]) -> None:
    """Two kinds of hits in five blocks."""
    hits, totals = np.zeros((5, 2)), np.zeros(5)
    for block_number, counts_at_all, first, second in observations:
        if counts_at_all:
            hits[block_number] += [first, second]
            totals[block_number] += 1
    block, among, *kinds = np.array(observations, int).reshape(-1, 4).T
    counts = Counts.count(
        [kind.astype(bool) for kind in kinds], among=among.astype(bool), block=block, blocks=5, stretches=[3, 4]
    )
    np.testing.assert_array_equal(counts.hits, hits)
    np.testing.assert_array_equal(counts.totals, np.stack([totals, totals], axis=1))
    for rate, hit in zip(counts.compute_rates(), hits.sum(axis=0), strict=True):
        assert math.isnan(rate) if not totals.sum() else rate == hit / totals.sum()


def test_kinds_stand_side_by_side_and_books_in_one_pool() -> None:
    first, second = make_counts([1, 2], [4, 4]), make_counts([3, 0], [6, 2])
    joined, pooled = Counts.join_rates([first, second]), Counts.pool([first, second])
    assert joined.hits.tolist() == [[1, 3], [2, 0]]
    assert joined.compute_rates().tolist() == [3 / 8, 3 / 8]
    assert pooled.hits.tolist() == [[1], [2], [3], [0]]
    assert pooled.compute_rates().tolist() == [6 / 16]


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [
        (1, 12.7062047), (2, 4.3026527), (3, 3.1824463), (4, 2.7764451), (5, 2.5705818), (9, 2.2621572),
        (10, 2.2281389), (20, 2.0859634), (30, 2.0422725), (40, 2.0210754), (100, 1.9839715), (1_000, 1.9623391),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert compute_t_quantile(0.95, degrees) == pytest.approx(quantile, abs=1e-6)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 38, 39, 2_500])
@pytest.mark.parametrize("t", [0.1, 1.0, 2.5, 40.0])
def test_probability_is_the_incomplete_beta_function(degrees: int, t: float) -> None:
    with mpmath.workdps(30):
        outside = mpmath.betainc(degrees / 2, 0.5, 0, degrees / (degrees + mpmath.mpf(t) ** 2), regularized=True)
    assert compute_t_probability(t, degrees) == pytest.approx(float(1 - outside), abs=1e-13)


def test_interval_with_many_blocks_of_hits_is_where_the_score_test_turns() -> None:
    """Its bounds are the roots q of (p - q)^2 = t^2 q (1 - q) / n, where n gives p (1 - p) / n the variance of p."""
    random = np.random.default_rng(1)
    totals = random.integers(50, 150, 41)
    hits = random.binomial(totals, random.beta(2, 3, 41))
    p = Fraction(int(hits.sum()), int(totals.sum()))
    squares = sum((int(hit) - p * int(total)) ** 2 for hit, total in zip(hits, totals, strict=True))
    sample = p * (1 - p) / (Fraction(41, 40) * squares / int(totals.sum()) ** 2)
    uncertain = measure_one(hits, totals)
    assert uncertain.effective_sample == pytest.approx(float(sample))
    t = 2.0210754  # of 40 degrees of freedom
    for q in get_interval(uncertain):
        assert (float(p) - q) ** 2 == pytest.approx(t**2 * q * (1 - q) / float(sample), rel=1e-6)


def test_interval_with_few_blocks_of_hits_is_where_the_divergence_reaches_its_limit() -> None:
    """Ten blocks of which the last is half as long: 9.5 of the longest."""
    hits, totals = [100, 90, *[0] * 7, 10], [*[100] * 9, 50]
    p, uncertain = 200 / 950, measure_one(hits, totals)
    assert uncertain.effective_sample == 9.5
    low, high = get_interval(uncertain)
    assert low < p < high
    for q in (low, high):
        divergence = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        assert 9.5 * divergence == pytest.approx(math.log(40))


def test_five_blocks_of_hits_and_of_misses_are_many() -> None:
    """Of the two kinds of interval the score interval is narrower."""
    for known, effective in ((4, 20), (5, 19), (15, 19), (16, 20)):
        random = np.random.default_rng(known)
        hits = np.where(np.arange(20) < known, 100, 0)
        assert measure_one(random.permutation(hits), [100] * 20).effective_sample == pytest.approx(effective)


@pytest.mark.parametrize(("blocks", "bound"), [(2, 1 - 40**-0.5), (4, 1 - 40**-0.25), (100, 1 - 40**-0.01)])
def test_rates_of_0_and_1_have_a_bound(blocks: int, bound: float) -> None:
    """m log(1 / (1 - q)) = log 40."""
    assert get_interval(measure_one([0] * blocks, [70] * blocks, 0)) == pytest.approx((0, bound))
    assert get_interval(measure_one([70] * blocks, [70] * blocks)) == pytest.approx((1 - bound, 1))


def test_blocks_that_are_all_alike_do_not_make_a_rate_certain() -> None:
    low, high = get_interval(measure_one([30] * 40, [100] * 40))
    assert high - low > 0.3


@pytest.mark.parametrize(
    ("hits", "totals", "stretches", "why"),
    [
        ([0, 0], [0, 0], 0, NoInterval.NOTHING),
        ([5], [10], 9, NoInterval.FEW_BLOCKS),
        ([5, 0], [10, 0], 9, NoInterval.FEW_BLOCKS),
        ([5, 0, 0], [10, 10, 10], 1, NoInterval.FEW_STRETCHES),
        ([5, 5, 0], [10, 10, 10], 2, NoInterval.FEW_STRETCHES),
        ([5, 5, 0], [10, 10, 10], math.nan, NoInterval.BELOW_FLOOR),
    ],
)
def test_rate_without_an_interval_says_why(
    hits: list[float], totals: list[float], stretches: float, why: NoInterval
) -> None:
    assert measure_one(hits, totals, stretches) == Uncertain(interval=None, no_interval=why, effective_sample=None)


def test_each_book_is_a_block_of_a_mean() -> None:
    books = [make_counts([1, 2], [4, 4]), make_counts([0, 0], [0, 0]), make_counts([30], [40], 1)]
    mean = Counts.average(books)
    assert mean.compute_rates().tolist() == [(3 / 8 + 3 / 4) / 2]
    assert measure_uncertainty(mean) == measure_uncertainty(make_counts([3 / 8, 3 / 4], [1, 1]))
    assert measure_uncertainty(Counts.average(books[:1]))[0].no_interval == NoInterval.FEW_BLOCKS


def test_stretches_of_a_pool_are_those_of_all_books() -> None:
    alone = make_counts([5, 0, 0], [10, 10, 10], 2)
    assert measure_uncertainty(alone)[0].no_interval == NoInterval.FEW_STRETCHES
    assert get_interval(measure_uncertainty(Counts.pool([alone, alone]))[0])


@pytest.mark.parametrize("copies", [1, 10, 50])
def test_copies_are_worth_what_they_are_copies_of(copies: int) -> None:
    """Each of a block's 50 / copies independent windows stands there `copies` times: as overlapping ones do."""
    hits = np.random.default_rng(3).random((1_000, 50 // copies)) < 0.3
    uncertain = measure_one(copies * hits.sum(axis=1), np.full(1_000, 50))
    assert uncertain.effective_sample == pytest.approx(50_000 / copies, rel=0.2)


def test_moving_windows_are_worth_about_those_that_do_not_overlap() -> None:
    """A hit is a moving mean of 20 over white noise above 0; the sum of its autocorrelations says what it is worth."""
    random = np.random.default_rng(4)
    moving = np.convolve(random.normal(size=400_019), np.full(20, 1 / math.sqrt(20)), "valid")
    hits = (moving > 0).reshape(400, 1_000)
    # P(both above 0) of two normals with correlation c is 1/4 + asin(c) / 2 pi: the indicator's correlation follows.
    inflation = 1 + 2 * sum(2 * math.asin(1 - lag / 20) / math.pi for lag in range(1, 20))
    uncertain = measure_one(hits.sum(axis=1), np.full(400, 1_000))
    assert uncertain.effective_sample == pytest.approx(400_000 / inflation, rel=0.2)


@pytest.mark.parametrize(
    ("hits", "total"), [(1, 1), (0, 1), (1, 2), (5, 10), (3, 1_000), (999, 1_000), (0, 40), (40, 40)]
)
def test_wilson_is_where_the_score_test_turns(hits: int, total: int) -> None:
    """Its bounds are the two roots q of (hits / total - q)^2 = z^2 q (1 - q) / total."""
    interval = compute_wilson_interval(hits, total)
    assert interval is not None
    with mpmath.workdps(40):
        z2 = (mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.95"))) ** 2
        share = mpmath.mpf(hits) / total
        a, half, c = 1 + z2 / total, share + z2 / (2 * total), share**2
        roots = [(half + sign * mpmath.sqrt(half**2 - a * c)) / a for sign in (-1, 1)]
    assert interval == pytest.approx([float(root) for root in roots], abs=1e-12)
    assert 0 <= interval[0] <= Fraction(hits, total) <= interval[1] <= 1


def test_wilson_of_none_and_of_all_or_nothing() -> None:
    assert compute_wilson_interval(0, 0) is None
    nothing, everything = compute_wilson_interval(0, 10), compute_wilson_interval(10, 10)
    assert nothing is not None
    assert everything is not None
    assert (nothing[0], everything[1]) == (0.0, 1.0)
    assert nothing[1] == pytest.approx(0.27753, abs=1e-5)  # 3.8415 / 13.8415
    assert everything[0] == pytest.approx(1 - 0.27753, abs=1e-5)


@given(steps=st.lists(st.integers(1, 60), max_size=30), length=st.integers(1, 60))
def test_windows_that_are_kept_share_no_character_and_leave_no_room_for_another(steps: list[int], length: int) -> None:
    windows = toy.keep_rows(toy.make_windows(sum(steps) + 1, stride=1, prompt=1, suffix=length), np.cumsum([0, *steps]))
    kept, taken = [], set[int]()
    for index, (start, stop) in enumerate(zip(windows.start.tolist(), windows.stop.tolist(), strict=True)):
        if not taken & set(range(start, stop)):
            kept.append(index)
            taken |= set(range(start, stop))
    assert select_non_overlapping(windows.start, windows.stop).tolist() == kept


def test_no_windows_are_apart_from_each_other() -> None:
    for count in (0, 1):
        windows = toy.make_windows(count)
        assert select_non_overlapping(windows.start, windows.stop).tolist() == list(range(count))
