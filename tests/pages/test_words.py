"""Probabilities in words: the same ones that words.test.mjs holds for the reader."""

import math

import pytest

from byheart.pages.words import describe_probability


@pytest.mark.parametrize(
    ("log_p_z", "words"),
    [
        (0.0, "practically every time"),
        (math.log(0.995), "practically every time"),
        (math.log(0.9949), "in 99 of 100 tries"),
        (math.log(0.36), "in 36 of 100 tries"),
        (math.log(0.095), "in 10 of 100 tries"),
        (math.log(0.0949), "once in 11 tries"),
        (math.log(1 / 3217), "once in 3,200 tries"),
        (math.log(1 / 994_000), "once in 990,000 tries"),
        (math.log(1 / 996_000), "once in 10⁶ tries"),
        (-6 * math.log(10), "once in 10⁶ tries"),
        (-38.2 * math.log(10), "once in 10³⁸ tries"),
        (-2046 * math.log(10), "once in 10²⁰⁴⁶ tries"),
        (-math.inf, "never"),
    ],
)
def test_probability_is_said_as_a_number_of_tries(log_p_z: float, words: str) -> None:
    assert describe_probability(log_p_z) == words
