import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart.contracts.json_files import to_json
from byheart.measures.coverage import NotMeasurable
from byheart.measures.discoverable import THRESHOLDS, N, P
from byheart.measures.measured import MeasuredBook
from byheart.measures.passages import Passage
from byheart.measures.scheme_statistics import (
    CoverageAt,
    NonOverlapping,
    PassagesAt,
    Portion,
    WindowsAt,
)
from byheart.measures.statistics import (
    BookStatistics,
    BookWindows,
    GreedyWindows,
    Headline,
    Measurable,
    PromptShares,
    Uncertainty,
)
from byheart.measures.uncertainty import compute_wilson_interval
from byheart.measures.units import NoInterval
from tests.measures import toy

HAND_WORKED = [0.9, 0.02, 0.6, 1e-5]
"""Windows at 0, 10, 20, 30 of 20 + 20 characters, suffixes [20, 40) [30, 50) [40, 60) [50, 70); 75 characters."""


def make_hand_worked_book() -> MeasuredBook:
    """Its words have four letters each."""
    letters = toy.random_text(75).replace(" ", "x")
    return toy.make_book(HAND_WORKED, text="".join(f"{letters[start : start + 4]} " for start in range(0, 75, 5)))


def test_headline_of_a_hand_worked_book() -> None:
    """[20, 40) by the first window, [40, 60) by the third; [60, 70) is measurable and low."""
    bits = math.log2(1 / (0.9 * 0.02 * 0.6 * 1e-5)) / 80
    headline = toy.compute_numbers(make_hand_worked_book()).headline
    assert headline.bits == pytest.approx(bits)
    assert headline == Headline(coverage=40 / 50, windows=3 / 4, longest=40, bits=headline.bits)


def test_windows_of_a_hand_worked_book() -> None:
    statistics = toy.compute_numbers(make_hand_worked_book())
    assert statistics.windows == BookWindows(
        count=4,
        of_book=4,
        stride_characters=10,
        non_overlapping=1,
        dropped_tail=3,
        dropped_inside=1,
        flagged=0,
        repetitive=0,
        rescored=0,
        greedy=GreedyWindows(
            count=2,
            share=0.5,
            interval=None,
            no_interval=NoInterval.FEW_BLOCKS,
            control=None,
            control_interval=None,
        ),
    )
    at = statistics.plain.windows_at
    assert [at[threshold].count for threshold in THRESHOLDS] == [3, 3, 2, 2, 1]
    assert at[0.5] == WindowsAt(
        count=2,
        share=0.5,
        interval=None,
        no_interval=NoInterval.FEW_BLOCKS,
        effective_sample=None,
        non_overlapping=NonOverlapping(count=1, of=1, share=1.0, interval=compute_wilson_interval(1, 1)),
        not_repetitive=Portion(count=2, of=4, share=0.5),
        control=None,
        control_interval=None,
    )


def test_coverage_of_a_hand_worked_book() -> None:
    statistics = toy.compute_numbers(make_hand_worked_book())
    assert (statistics.words, statistics.characters.count, statistics.measurable_share) == (15, 75, 50 / 75)
    assert statistics.characters.suffix == Measurable(
        measurable=50,
        not_asked=0,
        not_measurable=NotMeasurable(first_prompt=20, short_slices=0, between_windows=0, tail=5),
    )
    assert statistics.characters.window == Measurable(
        measurable=70,
        not_asked=0,
        not_measurable=NotMeasurable(first_prompt=0, short_slices=0, between_windows=0, tail=5),
    )
    assert statistics.plain.coverage_at.suffix[0.5] == CoverageAt(
        characters=40,
        share_of_measurable=40 / 50,
        interval=None,
        no_interval=NoInterval.FEW_BLOCKS,
        share_of_all=40 / 75,
        words=8,
        share_of_measurable_words=8 / 10,
        share_of_all_words=8 / 15,
        control=None,
        control_interval=None,
    )
    at = statistics.plain.coverage_at.window[0.75]
    assert (at.characters, at.share_of_measurable) == (40, 40 / 70)


def test_passages_of_a_hand_worked_book() -> None:
    at = toy.compute_numbers(make_hand_worked_book()).plain.passages_at
    longest = Passage(
        start=20,
        stop=60,
        characters=40,
        windows=3,
        weakest_window=1,
        weakest_log_p_z=float(np.log(0.02)),
        qualifying_share=2 / 3,
        longest_consecutive=1,
    )
    assert at[0.5] == PassagesAt(count=1, characters=40, longest=longest)
    assert (at[0.75].count, at[0.75].characters) == (1, 20)


def test_longest_of_equal_passages_is_the_first() -> None:
    book = toy.make_book([0.9, 1e-9, 1e-9, 1e-9, 0.9], characters=100)
    at = toy.compute_numbers(book).plain.passages_at[0.5]
    assert at.longest
    assert (at.count, at.characters, at.longest.start) == (2, 40, 20)


def test_extraction_rates_of_a_hand_worked_book() -> None:
    """1 - (1 - p_z)^n >= p for p_z = 0.9, 0.02, 0.6, 1e-5."""
    statistics = toy.compute_numbers(make_hand_worked_book()).plain.extraction_rates
    assert statistics.n == list(N)
    assert statistics.evidence_floor == 0.001
    for p in P:
        at = statistics.at[p]
        for index, n in enumerate(N[:20]):
            assert at.rate[index] == sum(1 - (1 - p_z) ** n >= p for p_z in HAND_WORKED) / 4, (n, p)
            assert at.below_evidence_floor[index] == (1 - (1 - 0.001) ** n > p)
        assert at.rate[-1] == 1.0, "at enough tries everything is drawn"
        assert at.interval_low == at.interval_high == [None] * len(N)
        assert at.control is None


def test_tries_needed_are_order_statistics() -> None:
    """Of four windows the median is the second; n = log(1 - p) / log(1 - p_z)."""
    needed = toy.compute_numbers(make_hand_worked_book()).plain.log10_n_needed[0.5]
    second = math.log10(math.log(0.5) / math.log(1 - 0.6))
    assert second < 0, "one try is enough"
    assert needed[0.5] == needed[0.01] == 0.0
    assert needed[0.75] == pytest.approx(math.log10(math.log(0.5) / math.log(1 - 0.02)))
    assert needed[0.99] == pytest.approx(math.log10(math.log(0.5) / math.log1p(-1e-5)))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_threshold_itself_qualifies(threshold: float) -> None:
    statistics = toy.compute_numbers(toy.make_book([threshold], characters=40)).plain
    assert statistics.windows_at[threshold].share == 1.0
    assert statistics.coverage_at.suffix[threshold].share_of_measurable == 1.0
    assert statistics.passages_at[threshold].characters == 20
    below = toy.compute_numbers(toy.make_book([threshold * (1 - 1e-12)], characters=40)).plain
    assert below.windows_at[threshold].share == 0.0
    assert below.coverage_at.suffix[threshold].share_of_measurable == 0.0
    assert below.passages_at[threshold].longest is None


def test_book_without_windows_has_no_shares() -> None:
    statistics = toy.compute_numbers(toy.make_book([], characters=30))
    assert statistics.headline == Headline(coverage=None, windows=None, longest=0, bits=None)
    assert (statistics.recall, statistics.best_window) == (None, None)
    assert statistics.characters.suffix.not_measurable.tail == 30
    assert statistics.plain.windows_at[0.5].share is None
    assert statistics.plain.windows_at[0.5].non_overlapping.interval is None
    assert statistics.plain.coverage_at.suffix[0.5].share_of_all == 0.0
    assert statistics.plain.passages_at[0.5] == PassagesAt(count=0, characters=0, longest=None)
    assert set(statistics.plain.log10_n_needed[0.5].values()) == {None}


def test_zero_under_the_scheme_counts_as_measured() -> None:
    statistics = toy.compute_numbers(toy.make_book([0.4, 0.2], p_z_top_k=[0.0, 0.9], characters=50))
    assert statistics.top_k.windows_at[0.5].count == 1
    assert statistics.top_k.windows_at[0.5].share == 0.5
    assert statistics.plain.windows_at[0.5].share == 0.0
    assert statistics.top_k.coverage_at.suffix[0.5].share_of_measurable == pytest.approx(20 / 30)
    needed = statistics.top_k.log10_n_needed[0.5]
    assert (needed[0.5], needed[0.75]) == (0.0, None), "what cannot be drawn needs no number of tries"
    assert statistics.top_k.extraction_rates.at[0.5].rate[-1] == 0.5


@pytest.mark.parametrize("p_z_top_k", [[0.0] * 8, None])
@settings(max_examples=25)
@given(
    p_z=st.lists(st.sampled_from([1.0, 0.9, 0.5, 0.001, 1e-30, 1e-300]), min_size=8, max_size=8),
    stride=st.sampled_from([1, 10, 60]),
    sample=st.integers(0, 9),
)
def test_every_book_is_json_and_read_back(
    p_z_top_k: list[float] | None, p_z: list[float], stride: int, sample: int
) -> None:
    """So nothing in it is infinite or NaN: those would be null in JSON."""
    statistics = toy.compute_numbers(toy.make_book(p_z, p_z_top_k=p_z_top_k, stride=stride, sample=sample))
    assert msgspec.json.decode(to_json(statistics), type=BookStatistics) == statistics


def test_intervals_stand_beside_the_rates_where_there_are_blocks() -> None:
    p_z = np.exp(-np.random.default_rng(0).exponential(4, 200))
    unseen = toy.make_book(np.full(60, 1e-9), stride=1_000, role="control")
    statistics = toy.compute_numbers(toy.make_book(p_z, stride=1_000), toy.make_control(unseen))
    assert statistics.uncertainty == Uncertainty(
        level=0.95, block=statistics.uncertainty.block, block_characters=statistics.uncertainty.block_characters,
        blocks=199_045 // statistics.uncertainty.block_characters,
    )  # fmt: skip
    windows, coverage = statistics.plain.windows_at[0.1], statistics.plain.coverage_at.suffix[0.1]
    curve = statistics.plain.extraction_rates.at[0.1]
    assert windows.interval
    assert coverage.interval
    assert windows.interval == (curve.interval_low[0], curve.interval_high[0])
    assert windows.interval[0] < np.mean(p_z >= 0.1) < windows.interval[1]
    assert coverage.interval[0] < (coverage.share_of_measurable or 0) < coverage.interval[1]
    assert 0 < (windows.effective_sample or 0) < 1_000
    assert [low is None for low in curve.interval_low] == curve.below_evidence_floor
    assert windows.control == coverage.control == 0.0
    five = 1 - 40 ** (-1 / 5)  # 59,045 characters are five blocks, with almost as many windows in each
    assert windows.control_interval == pytest.approx((0.0, five), abs=0.01)
    assert coverage.control_interval == pytest.approx((0.0, five), abs=0.01)


def test_non_overlapping_windows_are_counted_by_themselves() -> None:
    """Windows of 40 characters, 10 apart: every fourth."""
    p_z = [0.9, 0.1, 0.1, 0.1] * 5 + [0.1] * 4
    at = toy.compute_numbers(toy.make_book(p_z)).plain.windows_at[0.5]
    assert at.share == pytest.approx(5 / 24)
    assert at.non_overlapping == NonOverlapping(count=5, of=6, share=5 / 6, interval=compute_wilson_interval(5, 6))


def test_control_stands_beside_each_rate() -> None:
    """Two control books: 1 of 10 windows at 0.5 in the first, 2 of 30 in the second."""
    control = toy.make_control(
        toy.make_book([0.9] + [1e-9] * 9, name="c", role="control"),
        toy.make_book([0.9, 0.9] + [1e-9] * 28, name="d", role="control"),
    )
    statistics = toy.compute_numbers(make_hand_worked_book(), control)
    assert statistics.control
    assert (statistics.control.books, statistics.control.windows) == (["c", "d"], 40)
    # every fourth window is non-overlapping: 3 in the first book, 8 in the second; the first window of both is a hit
    assert statistics.control.plain[0.5] == NonOverlapping(
        count=2, of=11, share=2 / 11, interval=compute_wilson_interval(2, 11)
    )
    assert statistics.control.recall
    low = 37 * math.log2(1e9) + 3 * math.log2(1 / 0.9)
    assert statistics.control.recall.bits_per_character == pytest.approx(low / (40 * 20))
    assert {name: best and best.row for name, best in statistics.control.best_windows.items()} == {"c": 0, "d": 0}
    assert statistics.plain.windows_at[0.5].control == 3 / 40
    assert statistics.windows.greedy.control == 3 / 40
    # 20 of the suffixes' 20 + 9 * 10 characters, and 30 of 20 + 29 * 10
    assert statistics.plain.coverage_at.suffix[0.5].control == (20 + 30) / (110 + 310)
    assert statistics.plain.coverage_at.window[0.5].control == (40 + 50) / (130 + 330)
    beside = statistics.plain.extraction_rates.at[0.5].control
    assert beside
    assert beside[:2] == [3 / 40, 3 / 40]
    assert statistics.top_k.windows_at[0.5].control == 3 / 40


def test_control_sample_is_compared_with_the_same_suffixes() -> None:
    """Suffixes 7, 21, 35, 50, 64, 78, 92 of 100, of which the last quarter is known, only under its own prompts."""
    book = toy.make_book([1e-6] * 75 + [0.9] * 25, sample=7, sample_p_z=0.02)
    statistics = toy.compute_numbers(book).control_sample
    assert statistics
    assert (statistics.count, statistics.non_overlapping) == (7, 7)
    closer = toy.compute_numbers(toy.make_book([1e-6] * 100, sample=50)).control_sample
    assert closer
    assert (closer.count, closer.non_overlapping) == (50, 25), "windows 1, 3, 5, ...; of 40 characters, at every tenth"
    assert statistics.plain.at[0.5] == PromptShares(own_prompt=2 / 7, other_prompt=0.0)
    assert statistics.plain.at[0.01] == PromptShares(own_prompt=2 / 7, other_prompt=1.0)
    assert statistics.top_k.at[0.5] == PromptShares(own_prompt=2 / 7, other_prompt=0.0)
    assert statistics.plain.median_log10_p_z.own_prompt == pytest.approx(-6)
    assert statistics.plain.median_log10_p_z.other_prompt == pytest.approx(math.log10(0.02))
    assert toy.compute_numbers(make_hand_worked_book()).control_sample is None


def test_repetitive_windows_are_counted_apart() -> None:
    """The suffix of the last window stands in the book twice."""
    book = toy.make_book([0.1, 0.1, 0.1, 0.9], stride=100, prompt=40, suffix=60)
    text = book.book.text
    copied = text[:150] + text[340:400] + text[210:]
    again = toy.make_book([0.1, 0.1, 0.1, 0.9], stride=100, prompt=40, suffix=60, text=copied)
    assert again.repetition.repetitive.tolist() == [False, True, False, True]
    statistics = toy.compute_numbers(again)
    assert statistics.windows.repetitive == 2
    assert statistics.plain.windows_at[0.5].share == 0.25
    assert statistics.plain.windows_at[0.5].not_repetitive == Portion(count=0, of=2, share=0.0)


def test_shares_near_half_are_those_of_the_windows_and_characters() -> None:
    p_z = [0.44, 0.45, 0.5, 0.54, 0.55, 0.9, 1e-9, 0.46]
    near = toy.compute_numbers(toy.make_book(p_z)).near_half
    for at in (0.45, 0.55):
        assert near.windows_at[at] == sum(value >= at for value in p_z) / len(p_z)
        measured = range(20, 20 + 10 * (len(p_z) - 1) + 20)  # the first suffix begins at 20, each is 20 long
        best = [max(v for n, v in enumerate(p_z) if 20 + 10 * n <= place < 40 + 10 * n) for place in measured]
        assert near.coverage_at[at] == pytest.approx(sum(value >= at for value in best) / len(best))
    assert near.windows_at[0.45] == 0.75
    assert set(toy.compute_numbers(toy.make_book([], characters=30)).near_half.windows_at.values()) == {None}


def test_median_fall_is_that_of_each_suffix_by_itself() -> None:
    """Medians of both prompts would differ by another number: suffixes are paired."""
    sample = toy.compute_numbers(toy.make_book([0.1, 1e-2, 1e-5] * 4, sample=12, sample_p_z=1e-6)).control_sample
    assert sample
    falls = sorted([5.0, 4.0, 1.0] * 4)[: sample.count]
    assert sample.count == 12
    assert sample.plain.median_fall == pytest.approx(falls[5])
    never = toy.compute_numbers(toy.make_book([0.1] * 12, p_z_top_k=[0.0] * 12, sample=12)).control_sample
    assert never
    assert never.top_k.median_fall is None
    assert never.plain.median_fall == pytest.approx(8)
