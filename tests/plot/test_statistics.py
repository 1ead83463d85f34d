import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.plot.character_map import character_map
from components.plot.statistics import Passage, passages, statistics
from tests.plot import toy


def numbers(log_p_z: list[float], *, characters: int, log_p_z_top_k: list[float] | None = None) -> dict[str, object]:
    values = np.array(log_p_z, float)
    windows = toy.windows(len(values))
    maps = [character_map(characters, first, windows.stop, values) for first in (windows.suffix_start, windows.start)]
    scores = toy.scores(values, None if log_p_z_top_k is None else np.array(log_p_z_top_k, float))
    return statistics(windows, scores, *maps, stride=10)


def test_hand_worked_book() -> None:
    """Windows at 0, 10, 20, 30 of 20 + 20 characters, suffixes [20, 40) [30, 50) [40, 60) [50, 70); 75 characters."""
    found = numbers([math.log(0.9), math.log(0.02), math.log(0.6), math.log(1e-5)], characters=75)
    assert found["headline"] == {
        # [20, 40) by the first window, [40, 60) by the third; [60, 70) is measurable and low
        "share_of_measurable_characters_at_0.5": pytest.approx(40 / 50),
        "share_of_windows_at_0.001": pytest.approx(3 / 4),
        "longest_passage_characters_at_0.5": 40,
    }
    windows, coverage = found["windows"], found["coverage"]
    assert isinstance(windows, dict)
    assert isinstance(coverage, dict)
    assert [windows["at"][t]["count"] for t in ("0.001", "0.01", "0.1", "0.5", "0.75")] == [3, 3, 2, 2, 1]
    assert (windows["count"], windows["dropped_tail"], windows["dropped_inside"]) == (4, 3, 1)
    assert coverage["suffix"]["not_measurable"] == 20 + 5
    assert coverage["window"]["not_measurable"] == 5
    assert coverage["window"]["at"]["0.75"] == {"count": 40, "share": pytest.approx(40 / 70)}
    assert found["longest_passage_at_0.5"] == {
        "characters": 40,
        "start": 20,
        "stop": 60,
        "windows": 3,
        "weakest_window": 1,
        "weakest_log_p_z": pytest.approx(math.log(0.02)),
        "qualifying_share": pytest.approx(2 / 3),
        "longest_consecutive": 1,
    }


def test_threshold_itself_qualifies() -> None:
    found = numbers([math.log(0.5)], characters=40)
    assert found["headline"] == {
        "share_of_measurable_characters_at_0.5": 1.0,
        "share_of_windows_at_0.001": 1.0,
        "longest_passage_characters_at_0.5": 20,
    }


def test_book_without_windows_has_no_shares() -> None:
    found = numbers([], characters=30)
    assert found["headline"] == {
        "share_of_measurable_characters_at_0.5": None,
        "share_of_windows_at_0.001": None,
        "longest_passage_characters_at_0.5": 0,
    }
    assert found["longest_passage_at_0.5"] is None


def test_zero_under_the_scheme_is_json_and_counts_as_measured() -> None:
    found = numbers([-1.0, -2.0], characters=50, log_p_z_top_k=[-math.inf, -0.1])
    windows = json.loads(json.dumps(found, allow_nan=False))["windows"]
    assert windows["at_top_k"]["0.5"] == {"count": 1, "share": 0.5}
    assert windows["at"]["0.5"] == {"count": 0, "share": 0.0}


def test_passages_of_a_hand_worked_book() -> None:
    """Suffixes [20, 40) [30, 50) ...: low windows part two passages, and a weak one lies inside the second."""
    values = np.log([0.9, 1e-9, 1e-9, 1e-9, 0.8, 0.1, 0.7, 0.6])
    windows = toy.windows(len(values))
    covered = character_map(120, windows.suffix_start, windows.stop, values)
    assert passages(covered, windows, values, 0.5) == [
        Passage(start=20, stop=40, windows=1, weakest_window=0, weakest_log_p_z=float(values[0]),
                qualifying_share=1.0, longest_consecutive=1),
        Passage(start=60, stop=110, windows=4, weakest_window=5, weakest_log_p_z=float(values[5]),
                qualifying_share=0.75, longest_consecutive=2),
    ]  # fmt: skip


@given(st.lists(st.sampled_from([0.9, 0.5, 0.3, 1e-9]), min_size=1, max_size=30))
def test_passages_are_the_maximal_runs_of_qualifying_characters(chosen: list[float]) -> None:
    values = np.log(chosen)
    windows = toy.windows(len(values))
    covered = character_map(10 * len(values) + 45, windows.suffix_start, windows.stop, values)
    inside = np.zeros(len(covered.window), bool)
    for passage in passages(covered, windows, values, 0.5):
        inside[passage.start : passage.stop] = True
        assert not covered.reaches(math.log(0.5))[[passage.start - 1, passage.stop]].any()
        assert passage.windows >= 1
        assert 1 <= passage.longest_consecutive <= passage.windows
    np.testing.assert_array_equal(inside, covered.reaches(math.log(0.5)))
