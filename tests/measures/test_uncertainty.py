import math
from collections.abc import Sequence
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.books import Book, Chapter
from byheart.measures.uncertainty import (
    FEWEST_BLOCKS,
    REPLICATES,
    Counts,
    compute_effective_samples,
    compute_intervals,
    compute_wilson_interval,
    cut_blocks,
    select_non_overlapping,
)
from tests.measures import toy


def make_counts(hits: Sequence[float] | np.ndarray, totals: Sequence[float] | np.ndarray) -> Counts:
    """One kind."""
    return Counts(hits=np.array(hits, float)[:, None], totals=np.array(totals, float)[:, None])


def count_hits(hits: np.ndarray) -> Counts:
    """Blocks x windows of hits."""
    return make_counts(hits.sum(axis=1), np.full(len(hits), hits.shape[1]))


def compute_effective_sample(counts: Counts) -> float:
    [sample] = compute_effective_samples(counts.compute_rates(), counts.resample())
    assert sample is not None
    return sample


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans(), st.booleans()), max_size=40))
def test_counts_are_those_of_a_naive_loop(observations: list[tuple[int, bool, bool, bool]]) -> None:
    """Two kinds of hits in five blocks."""
    hits, totals = np.zeros((5, 2)), np.zeros(5)
    for block_number, counts_at_all, first, second in observations:
        if counts_at_all:
            hits[block_number] += [first, second]
            totals[block_number] += 1
    block, among, *kinds = np.array(observations, int).reshape(-1, 4).T
    counts = Counts.count([kind.astype(bool) for kind in kinds], among=among.astype(bool), block=block, blocks=5)
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


def test_resampled_books_vary_as_a_ratio_of_block_sums_does() -> None:
    """Cochran 1977, section 2.11: the variance of H / T over B blocks is about sum (h - r t)^2 / (sum t)^2."""
    random = np.random.default_rng(1)
    totals = random.integers(50, 150, 300)
    counts = make_counts(random.binomial(totals, random.beta(2, 5, 300)), totals)
    replicates = counts.resample()
    assert replicates.shape == (REPLICATES, 1)
    [rate] = counts.compute_rates()
    expected = ((counts.hits - rate * counts.totals) ** 2).sum() / counts.totals.sum() ** 2
    # The standard error of a mean of 2,000, and of their standard deviation, 1.6%.
    assert replicates.mean() == pytest.approx(rate, abs=4 * math.sqrt(expected / REPLICATES))
    assert replicates.std() == pytest.approx(math.sqrt(expected), rel=0.08)


def test_resampled_books_are_made_of_whole_blocks() -> None:
    """Ten blocks of one window each, one of them a hit: k of ten, as often as a binomial says."""
    replicates = make_counts([1] + [0] * 9, [1] * 10).resample()[:, 0]
    shares = [np.mean(np.isclose(replicates, k / 10)) for k in range(11)]
    binomial = [math.comb(10, k) * 0.1**k * 0.9 ** (10 - k) for k in range(11)]
    np.testing.assert_allclose(shares, binomial, atol=0.035)
    assert sum(shares) == pytest.approx(1)


def test_same_counts_give_the_same_interval() -> None:
    counts = make_counts([1, 5, 3, 2, 9, 4, 7, 0, 6, 8], [10] * 10)
    np.testing.assert_array_equal(counts.resample(), counts.resample())
    assert (counts.resample(seed=1) != counts.resample()).any()


def test_interval_is_made_of_the_replicates_at_its_two_ends() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1, 2_001.0))[:, None]
    assert np.array(compute_intervals(values)) == pytest.approx(np.array([[50, 1950]]), abs=1)


def test_too_few_blocks_give_no_interval() -> None:
    few = make_counts([1] * (FEWEST_BLOCKS - 1), [2] * (FEWEST_BLOCKS - 1))
    assert compute_intervals(few.resample()) == [None]
    assert compute_effective_samples(few.compute_rates(), few.resample()) == [None]
    enough = make_counts([1, 0] * (FEWEST_BLOCKS // 2), [2] * FEWEST_BLOCKS)
    assert compute_intervals(enough.resample()) != [None]


def test_blocks_without_observations_give_no_interval_where_a_replicate_may_hold_nothing() -> None:
    """Without windows there is no share; with windows in one block of ten, a third of the replicates have none."""
    assert compute_intervals(make_counts([1] + [0] * 9, [2] + [0] * 9).resample()) == [None]
    assert math.isnan(make_counts([0] * 10, [0] * 10).compute_rates()[0])


@pytest.mark.parametrize("copies", [1, 10, 50])
def test_copies_are_worth_what_they_are_copies_of(copies: int) -> None:
    """Each of a block's 50 / copies independent windows stands there `copies` times: as overlapping ones do."""
    hits = np.random.default_rng(3).random((1_000, 50 // copies)) < 0.3
    assert compute_effective_sample(count_hits(np.repeat(hits, copies, axis=1))) == pytest.approx(
        50_000 / copies, rel=0.2
    )


def test_moving_windows_are_worth_about_those_that_do_not_overlap() -> None:
    """A hit is a moving mean of 20 over white noise above 0; the sum of its autocorrelations says what it is worth."""
    random = np.random.default_rng(4)
    moving = np.convolve(random.normal(size=400_019), np.full(20, 1 / math.sqrt(20)), "valid")
    hits = moving > 0
    # P(both above 0) of two normals with correlation c is 1/4 + asin(c) / 2 pi: the indicator's correlation follows.
    inflation = 1 + 2 * sum(2 * math.asin(1 - lag / 20) / math.pi for lag in range(1, 20))
    assert compute_effective_sample(count_hits(hits.reshape(400, 1_000))) == pytest.approx(400_000 / inflation, rel=0.2)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (3, 7), (1, 10), (37, 1000)])
def test_nothing_is_said_of_the_sample_where_nothing_varies(hits: int, total: int) -> None:
    """Every block has the same rate: what is left of the variance is rounding."""
    same = make_counts([hits * k for k in range(1, 13)], [total * k for k in range(1, 13)])
    assert compute_effective_samples(same.compute_rates(), same.resample()) == [None]


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
    assert select_non_overlapping(windows).tolist() == kept


def test_no_windows_are_apart_from_each_other() -> None:
    assert select_non_overlapping(toy.make_windows(0)).tolist() == []
    assert select_non_overlapping(toy.make_windows(1)).tolist() == [0]


def make_book(characters: int, *chapters: int) -> Book:
    titled = tuple(Chapter(title=f"Chapter {start}", start=start) for start in chapters)
    return Book(name="b", source="b.txt", text="x" * characters, chapters=titled)


def test_blocks_without_a_difference_give_no_interval() -> None:
    for hits in ([0] * 10, [1] * 10, [2] * 10):
        assert compute_intervals(make_counts(hits, [2] * 10).resample()) == [None]


def test_blocks_are_the_chapters_where_there_are_enough() -> None:
    starts = range(10_000, 90_000, 10_000)
    blocks = cut_blocks(make_book(95_000, 700, *starts, 94_000))
    assert blocks.unit == "chapters"
    assert blocks.starts.tolist() == [0, *starts, 94_000], "the text before the first chapter is in the first block"
    assert blocks.find(np.array([0, 699, 700, 9_999, 10_000, 93_999, 94_000])).tolist() == [0, 0, 0, 0, 1, 8, 9]


def test_blocks_are_runs_of_characters_where_chapters_are_few() -> None:
    blocks = cut_blocks(make_book(50_000, 0, 20_000, 30_000, 40_000))
    assert blocks.unit == "runs of 10,000 characters"
    assert blocks.starts.tolist() == [0, 10_000, 20_000, 30_000, 40_000]


@pytest.mark.parametrize(
    ("characters", "count"),
    [(1, 1), (9_999, 1), (14_999, 1), (15_001, 2), (24_999, 2), (25_001, 3), (50_000, 5), (1_004_000, 100)],
)
def test_last_block_is_half_to_one_and_a_half(characters: int, count: int) -> None:
    blocks = cut_blocks(make_book(characters))
    assert len(blocks) == count
    last = characters - blocks.starts[-1]
    assert last <= 15_000
    assert last >= 5_000 or count == 1


@given(st.integers(1, 80_000), st.data())
def test_every_character_lies_in_the_block_that_begins_last_before_it(characters: int, data: st.DataObject) -> None:
    cut = cut_blocks(make_book(characters))
    positions = data.draw(st.lists(st.integers(0, characters - 1), min_size=1, max_size=20))
    naive = [max(b for b, start in enumerate(cut.starts) if start <= position) for position in positions]
    assert cut.find(np.array(positions)).tolist() == naive


@pytest.mark.parametrize(
    ("blocks", "rate", "coverage"), [(10, 0.3, 0.90), (10, 0.03, 0.61), (40, 0.3, 0.94), (40, 0.03, 0.85)]
)
def test_intervals_hold_the_rate_as_often_as_the_docs_say(blocks: int, rate: float, coverage: float) -> None:
    """Blocks whose own rates are drawn from Beta(2 rate, 2 (1 - rate)): most know nearly all or nearly nothing."""
    random = np.random.default_rng(3)
    hits = random.binomial(1_000, random.beta(2 * rate, 2 * (1 - rate), (blocks, 3_000)))
    intervals = compute_intervals(Counts(hits=hits.astype(float), totals=np.full(hits.shape, 1_000.0)).resample())
    assert np.mean([bound is not None and bound[0] <= rate <= bound[1] for bound in intervals]) == pytest.approx(
        coverage, abs=0.02
    )
