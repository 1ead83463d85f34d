import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.windows import Windows
from byheart.measures.character_map import map_characters
from byheart.measures.passages import Passage, find_all_passages, find_passages, find_quoted, list_passages
from tests.measures import toy


def find(windows: Windows, p_z: list[float], threshold: float, *, characters: int, stride: int = 10) -> list[Passage]:
    with np.errstate(divide="ignore"):
        log_p_z = np.log(np.array(p_z, float))
    covered = map_characters(characters, windows.suffix_start, windows.stop, log_p_z)
    return find_passages(covered, windows, log_p_z, threshold, stride=stride)


def find_by_loop(
    windows: Windows, p_z: list[float], threshold: float, *, characters: int, stride: int
) -> list[Passage]:
    """Character by character, window by window."""
    spans = list(zip(windows.suffix_start.tolist(), windows.stop.tolist(), strict=True))
    reached = {c for (first, stop), p in zip(spans, p_z, strict=True) if p >= threshold for c in range(first, stop)}
    starts = [c for c in range(characters) if c in reached and c - 1 not in reached]
    passages = []
    for start in starts:
        stop = next(c for c in range(start, characters + 1) if c not in reached)
        inside = [w for w, (first, last) in enumerate(spans) if start <= first and last <= stop]
        longest, run, before = 0, 0, -math.inf
        for w in inside:
            if p_z[w] < threshold:
                continue
            run = run + 1 if windows.cursor[w] == before + stride else 1
            longest, before = max(longest, run), float(windows.cursor[w])
        weakest = min(inside, key=lambda w: (p_z[w], w))
        passages.append(
            Passage(
                start=start, stop=stop, characters=stop - start, windows=len(inside), weakest_window=weakest,
                weakest_log_p_z=float(np.log(p_z[weakest])) if p_z[weakest] else None,
                qualifying_share=sum(p_z[w] >= threshold for w in inside) / len(inside), longest_consecutive=longest,
            )
        )  # fmt: skip
    return passages


def test_passages_of_a_hand_worked_book() -> None:
    """Suffixes [20, 40) [30, 50) ...: low windows separate two passages, and a weak window lies inside the second."""
    assert find(toy.make_windows(8), [0.9, 1e-9, 1e-9, 1e-9, 0.8, 0.1, 0.7, 0.6], 0.5, characters=120) == [
        Passage(start=20, stop=40, characters=20, windows=1, weakest_window=0, weakest_log_p_z=float(np.log(0.9)),
                qualifying_share=1.0, longest_consecutive=1),
        Passage(start=60, stop=110, characters=50, windows=4, weakest_window=5, weakest_log_p_z=float(np.log(0.1)),
                qualifying_share=0.75, longest_consecutive=2),
    ]  # fmt: skip


@given(
    p_z=st.lists(st.sampled_from([0.9, 0.5, 0.3, 1e-9, 0.0]), min_size=1, max_size=30),
    stride=st.integers(1, 45),
    prompt=st.integers(1, 40),
    threshold=st.sampled_from([0.001, 0.5, 0.9]),
    data=st.data(),
)
def test_passages_are_those_of_a_naive_loop(
    p_z: list[float], stride: int, prompt: int, threshold: float, data: st.DataObject
) -> None:
    """Some windows are missing: their slices were too short."""
    which = np.array(data.draw(st.lists(st.integers(0, len(p_z) - 1), min_size=1, unique=True).map(sorted)))
    windows = toy.keep_rows(toy.make_windows(len(p_z), stride=stride, prompt=prompt), which)
    values = [p_z[w] for w in which]
    characters = int(windows.stop.max()) + data.draw(st.integers(0, 9))
    passages = find(windows, values, threshold, characters=characters, stride=stride)
    assert passages == find_by_loop(windows, values, threshold, characters=characters, stride=stride)


def test_book_without_windows_has_no_passages() -> None:
    assert find(toy.make_windows(0), [], 0.5, characters=30) == []


@pytest.mark.parametrize(
    ("most", "expected"),
    [(0, []), (25, [(20, 40), (60, 65)]), (math.inf, [(20, 40), (60, 80), (100, 120)])],
)
def test_quoted_spans_are_what_the_table_quotes(most: float, expected: list[tuple[int, int]]) -> None:
    book = toy.make_book([0.9, 0.6, 0.8], stride=40)
    rows = list_passages(book, find_all_passages(book), most)
    assert [(span.start, span.stop) for span in find_quoted(book, rows)] == expected
    assert {row.text for row in rows if row.text} == {book.book.text[start:stop] for start, stop in expected}
