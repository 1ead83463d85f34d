"""Held against mpmath at sixty digits, and against fractions where n is small enough for exact arithmetic."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.measures.discoverable import EVIDENCE_FLOOR, N, P, compute_log10_n_needed, is_below_floor, tau

DIGITS = 60


def exact_tau(n: int, p: float) -> mpmath.mpf:
    """log(1 - (1 - p)^(1/n))"""
    with mpmath.workdps(DIGITS):
        return mpmath.log(1 - (1 - mpmath.mpf(p)) ** (mpmath.mpf(1) / n))


def exact_log10_n(log_p_z: float, p: float) -> mpmath.mpf:
    """log10 of log(1 - p) / log(1 - p_z); as many more digits as p_z has zeros."""
    with mpmath.workdps(DIGITS + int(-log_p_z / 2)):
        return mpmath.log10(mpmath.log(1 - mpmath.mpf(p)) / mpmath.log(1 - mpmath.exp(mpmath.mpf(log_p_z))))


@pytest.mark.parametrize("p", P)
def test_tau_is_right_to_the_last_digits_for_every_n(p: float) -> None:
    for n in N:
        assert float(abs(tau(n, p) - exact_tau(n, p))) <= 4e-16 * max(1, abs(tau(n, p))), n


def test_tries_go_from_one_to_two_to_the_sixtieth() -> None:
    assert (N[0], N[-1], len(N)) == (1, 2**60, 61)


def test_window_whose_p_z_is_p_is_drawn_in_one_try() -> None:
    """To the last bit, for every p: the thresholds of windows and the rates at n = 1 are the same numbers."""
    for p in (number / 1_000 for number in range(1, 1_000)):
        assert math.log(p) >= tau(1, p)
        assert math.nextafter(math.log(p), -math.inf) < tau(1, p)


@given(
    p_z=st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000),
    p=st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000),
    n=st.integers(1, 40),
)
def test_reaching_tau_is_the_definition(p_z: Fraction, p: Fraction, n: int) -> None:
    """1 - (1 - p_z)^n >= p, in exact arithmetic but for where the two sides are equal up to rounding."""
    chance = 1 - (1 - p_z) ** n
    if abs(chance - p) > Fraction(1, 10**13):
        assert (math.log(p_z) >= tau(n, float(p))) == (chance >= p)


@pytest.mark.parametrize("p", P)
@pytest.mark.parametrize("n", [2**10, 2**30, 2**53, 2**60])
def test_reaching_tau_is_the_definition_for_many_tries_too(n: int, p: float) -> None:
    for step in (-1e-9, -1e-12, 1e-12, 1e-9):
        log_p_z = tau(n, p) + step
        with mpmath.workdps(DIGITS):
            chance = 1 - (1 - mpmath.exp(mpmath.mpf(log_p_z))) ** n
            assert (log_p_z >= tau(n, p)) == (chance >= mpmath.mpf(p))


@pytest.mark.parametrize("p", P)
@pytest.mark.parametrize("log_p_z", [-1e-3, -0.5, -1.0, -6.9, -20.0, -36.9, -37.1, -50.0, -500.0, -5_000.0])
def test_tries_needed_are_right_however_small_p_z_is(log_p_z: float, p: float) -> None:
    expected = max(float(exact_log10_n(log_p_z, p)), 0.0)
    assert float(compute_log10_n_needed(np.array(log_p_z), p)) == pytest.approx(expected, rel=2e-15, abs=1e-14)


@pytest.mark.parametrize("p", P)
def test_no_number_of_tries_draws_the_impossible_and_one_draws_the_certain(p: float) -> None:
    assert compute_log10_n_needed(np.array([-math.inf, 0.0, -0.0, -1e-300]), p).tolist() == [math.inf, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("p", P)
def test_tau_of_the_tries_needed_is_the_window_itself(p: float) -> None:
    """So that both say the same of a window: compute_log10_n_needed(tau(n, p), p) = log10 n."""
    log10_n = compute_log10_n_needed(np.array([tau(n, p) for n in N]), p)
    np.testing.assert_allclose(log10_n, [math.log10(n) for n in N], rtol=1e-14, atol=1e-14)


@given(log_p_z=st.floats(-800, 0), p=st.sampled_from(P), n=st.sampled_from(N))
def test_window_is_discoverable_from_the_tries_it_needs_on(log_p_z: float, p: float, n: int) -> None:
    needed = float(compute_log10_n_needed(np.array(log_p_z), p))
    if abs(needed - math.log10(n)) > 1e-12:
        assert (log_p_z >= tau(n, p)) == (math.log10(n) >= needed)


def test_floor_is_reached_where_windows_at_a_thousandth_begin_to_qualify() -> None:
    for p in P:
        for n in N:
            with mpmath.workdps(DIGITS):
                chance = 1 - (1 - mpmath.mpf(EVIDENCE_FLOOR)) ** n
            assert is_below_floor(n, p) == (chance > p)
    assert [next(n for n in N if is_below_floor(n, p)) for p in P] == [128, 1024, 4096, 8192, 8192]


def test_shape_is_kept() -> None:
    assert compute_log10_n_needed(np.full((2, 3), -1.0), 0.5).shape == (2, 3)
    assert compute_log10_n_needed(np.zeros(0), 0.5).shape == (0,)
