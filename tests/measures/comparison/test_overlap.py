"""The characters that two models know, counted by hand."""

import numpy as np
import pytest

from byheart.measures.comparison.overlap import Overlap


def count(first: str, second: str, among: str = "") -> Overlap:
    masks = [np.array([mark == "x" for mark in marks]) for marks in (first, second, among or "x" * len(first))]
    return Overlap.count(*masks)


def test_characters_are_counted_once_each() -> None:
    overlap = count("xxx..x..", ".xxx..x.", "xxxxxxx.")
    assert (overlap.first_only, overlap.both, overlap.second_only, overlap.among) == (2, 2, 2, 7)
    assert overlap.jaccard == pytest.approx(2 / 6)
    a = b = 4 / 7
    assert overlap.jaccard_by_chance == pytest.approx(a * b / (a + b - a * b))


def test_what_is_not_measurable_under_both_is_left_out() -> None:
    assert count("xx", "x.", "x.").jaccard == 1


def test_two_empty_sets_have_no_jaccard_and_one_has_none_in_common() -> None:
    assert count("....", "....").jaccard is None
    assert count("....", "....").jaccard_by_chance is None
    assert (count("x...", "....").jaccard, count("x...", "....").jaccard_by_chance) == (0, 0)


def test_independent_sets_have_the_jaccard_of_chance() -> None:
    random = np.random.default_rng(0)
    first, second = random.random(200_000) < 0.3, random.random(200_000) < 0.2
    overlap = Overlap.count(first, second, np.ones(200_000, bool))
    assert overlap.jaccard == pytest.approx(overlap.jaccard_by_chance, abs=0.005)
