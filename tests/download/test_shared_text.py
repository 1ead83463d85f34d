import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.download.shared_text import BLOCK, measure_shared


def random_text(seed: int, length: int) -> str:
    return "".join(map(chr, np.random.default_rng(seed).integers(0x61, 0x7B, length)))


@given(st.text("ab \n", max_size=400), st.text("ab \n", max_size=400))
def test_share_is_that_of_a_loop(text: str, other: str) -> None:
    text, other = (" ".join(one.split()) for one in (text, other))
    blocks = [text[start : start + BLOCK] for start in range(0, len(text) - BLOCK + 1, BLOCK)]
    share = sum(block in other for block in blocks) / len(blocks) if blocks else 0
    assert measure_shared([text], [other]).tolist() == [[pytest.approx(share)]]


def test_each_text_is_held_against_each_other() -> None:
    one, two, three = (random_text(seed, 64 * 10) for seed in range(3))
    shares = measure_shared([one + two, three, "short"], [f"x{two}", three[: 64 * 5], one + three])
    assert shares.tolist() == [[0.5, 0.0, 0.5], [0.0, 0.5, 1.0], [0.0, 0.0, 0.0]]


def test_lines_may_be_broken_elsewhere() -> None:
    words = [random_text(seed, 7) for seed in range(100)]
    assert measure_shared([" ".join(words)], ["\r\n".join(words)]).tolist() == [[1.0]]


def test_text_longer_than_what_is_hashed_at_once_is_found_whole() -> None:
    text = random_text(0, 1_500_000)
    assert measure_shared([text], ["x" + text]).tolist() == [[1.0]]


def test_equal_texts_take_time_in_proportion() -> None:
    text = "a" * 2_000_000
    began = time.perf_counter()
    assert measure_shared([text], [text]).tolist() == [[1.0]]
    assert time.perf_counter() - began < 20
