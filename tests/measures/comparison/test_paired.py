"""The sign-flip test and its interval against enumeration, a simulation of their promises, and cases worked by hand."""

import itertools
import math

import numpy as np
import pytest

from byheart.measures.comparison.paired import LEAST_BLOCKS, flip_signs, measure_difference


def enumerate_signs(differences: list[float]) -> float:
    observed = abs(sum(differences))
    flipped = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    return sum(value >= observed - 1e-12 for value in flipped) / len(flipped)


@pytest.mark.parametrize("blocks", range(1, 12))
def test_few_blocks_are_enumerated(blocks: int) -> None:
    random = np.random.default_rng(blocks)
    for _ in range(5):
        differences = random.integers(-4, 6, blocks).astype(float)
        p, least = flip_signs(differences)
        assert p == pytest.approx(enumerate_signs(differences.tolist()))
        moving = int((differences != 0).sum())
        assert least == (2 / 2**moving if moving else 1)
        assert p >= least


def test_scores_that_are_no_counts_are_enumerated_too() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1, 10)
    assert flip_signs(differences)[0] == pytest.approx(enumerate_signs(differences.tolist()))
    assert flip_signs(np.array([0.1, 0.2, 0.3]))[0] == 0.25, "the observed pattern counts, however sums are rounded"


def test_drawn_patterns_come_near_to_all_patterns() -> None:
    differences = np.random.default_rng(1).integers(-5, 8, 16).astype(float)
    assert abs(flip_signs(differences)[0] - enumerate_signs(differences.tolist())) < 0.02


def test_models_that_are_alike_have_the_largest_p() -> None:
    assert flip_signs(np.zeros(40)) == (1.0, 1.0)
    assert flip_signs(np.array([3.0, -3.0])) == (1.0, 0.5)


def test_difference_is_that_of_the_ratios_of_sums() -> None:
    first, second, totals = np.array([3.0, 1, 9]), np.array([1.0, 1, 0]), np.array([10.0, 20, 0])
    difference = measure_difference(first, second, totals)
    assert difference
    assert difference.value == pytest.approx(4 / 30 - 2 / 30), "a block without observations is none"
    assert (difference.blocks, difference.interval) == (2, None)
    assert measure_difference(first, second, np.zeros(3)) is None


def test_interval_is_students_from_a_hundred_blocks_on() -> None:
    random = np.random.default_rng(2)
    first, second = random.integers(0, 11, LEAST_BLOCKS), random.integers(0, 11, LEAST_BLOCKS)
    totals = np.full(LEAST_BLOCKS, 10.0)
    difference = measure_difference(first, second, totals)
    assert difference
    assert difference.interval
    # with equal blocks the ratio of sums is the mean of the blocks' differences, and its error is the usual one
    each = (first - second) / 10
    reach = 1.984217 * each.std(ddof=1) / math.sqrt(LEAST_BLOCKS)
    np.testing.assert_allclose(difference.interval, (each.mean() - reach, each.mean() + reach), rtol=1e-6)
    fewer = measure_difference(first[1:], second[1:], totals[1:])
    assert fewer
    assert fewer.interval is None


def test_equal_models_are_told_apart_no_more_often_than_the_test_says() -> None:
    """Both know blocks in stretches, the same ones mostly; which of them is called the first is chance."""
    random, alarms = np.random.default_rng(3), 0
    for _ in range(1_000):
        shared = random.random(12) < 0.3
        rates = np.where(shared, 0.8, 0.05)[:, None] * random.uniform(0.2, 1, (12, 2))
        hits = random.binomial(50, rates).astype(float)
        difference = measure_difference(hits[:, 0], hits[:, 1], np.full(12, 50.0))
        assert difference
        alarms += difference.p <= 0.05
    assert 20 <= alarms <= 71, "5% of 1,000, but for three standard errors; p comes in steps"


def test_model_that_knows_more_is_found() -> None:
    random, found = np.random.default_rng(4), 0
    for _ in range(100):
        second = random.integers(0, 20, 12).astype(float)
        difference = measure_difference(second + random.integers(0, 20, 12), second, np.full(12, 50.0))
        found += difference is not None and difference.p <= 0.05
    assert found >= 95
