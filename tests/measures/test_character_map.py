import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from byheart.measures.character_map import map_characters

VALUES = st.sampled_from([-math.inf, -700.0, -2.0, -1.0, -1e-9, 0.0])


@given(characters=st.integers(1, 40), data=st.data())
def test_map_is_the_largest_of_the_covering_windows(characters: int, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.tuples(st.integers(0, characters), st.integers(0, characters), VALUES), max_size=12))
    starts = np.array([min(a, b) for a, b, _ in spans], int)
    stops = np.array([max(a, b) for a, b, _ in spans], int)
    values = np.array([value for *_, value in spans], float)

    covered = map_characters(characters, starts, stops, values)

    for character in range(characters):
        covering = [w for w in range(len(spans)) if starts[w] <= character < stops[w]]
        if not covering:
            assert covered.window[character] == -1
            assert math.isnan(covered.log_p_z[character])
            assert not covered.measurable[character]
            continue
        best = max(covering, key=lambda w: (values[w], -w))
        assert covered.window[character] == best
        assert covered.log_p_z[character] == values[best]


def test_not_measurable_is_apart_from_zero() -> None:
    covered = map_characters(3, np.array([1]), np.array([2]), np.array([-math.inf]))
    assert covered.measurable.tolist() == [False, True, False]
    assert covered.log_p_z[1] == -math.inf
    assert covered.reaches(-1e300).tolist() == [False, False, False]
    assert covered.reaches(-math.inf).tolist() == [False, True, False]
