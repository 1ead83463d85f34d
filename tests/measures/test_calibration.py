"""A book against its controls: by hand, and against definitions that are written out in plain Python."""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart.components.plot.calibration_tables import list_tables
from byheart.measures.calibration.bands import Band, paint
from byheart.measures.calibration.calibrate import Calibration, calibrate
from byheart.measures.calibration.facts import state_facts
from byheart.measures.calibration.ranks import NAMES, compute_ranks
from byheart.measures.calibration.stretches import Comparison, Document, compare
from byheart.measures.calibration.thresholds import Threshold, forgive
from byheart.measures.claims import format_rank
from byheart.measures.measured import SampleLogPZ
from tests.measures import calibration_oracle as oracle
from tests.measures import toy

SUFFIX, STRIDE, PROMPT = 20, 10, 20


def make_document(
    log_p_z: Sequence[float], *, name: str = "book", repetitive: Iterable[int] = (), spread: bool = False
) -> Document:
    """A document with a window of 20 characters at every tenth; `repetitive` windows are left out."""
    start = PROMPT + STRIDE * np.arange(len(log_p_z))
    flags = np.zeros(len(log_p_z), bool)
    flags[list(repetitive)] = True
    return Document(
        name=name,
        text=toy.random_text(PROMPT + SUFFIX + STRIDE * len(log_p_z)),
        number=np.arange(len(log_p_z)),
        start=start - PROMPT,
        suffix_start=start,
        stop=start + SUFFIX,
        log_p_z=np.array(log_p_z, np.float64),
        repetitive=flags,
        book_overlap=np.zeros(len(log_p_z), np.float32),
        is_spread=spread,
    )


def compare_all(book: Sequence[float], *controls: Sequence[float]) -> Comparison:
    return compare(
        make_document(book), [make_document(values, name=f"c{n}") for n, values in enumerate(controls, start=1)]
    )


def calibrate_all(book: Sequence[float], *controls: Sequence[float], q: float = 0.0, r: int = 1) -> Calibration:
    return calibrate(compare_all(book, *controls), q=q, r=r, books=1)


VALUES = st.sampled_from([-math.inf, -60.0, -30.0, -7.0, -5.4, -5.3, math.log(0.001), -1.0, math.log(0.5), -0.1, 0.0])
TEXTS = st.lists(st.lists(st.tuples(VALUES, st.booleans()), max_size=12), min_size=1, max_size=6)


@given(texts=TEXTS, q=st.sampled_from([0.0, 0.1, 0.25, 0.29, 0.9]), r=st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_every_number_follows_its_definition(texts: list[list[tuple[float, bool]]], q: float, r: int) -> None:
    documents = [
        make_document([value for value, _ in text], name=str(n), repetitive=np.flatnonzero([left for _, left in text]))
        for n, text in enumerate(texts)
    ]
    found = calibrate(compare(documents[0], documents[1:]), q=q, r=r, books=1)
    columns = [(d.suffix_start.tolist(), d.stop.tolist(), d.log_p_z.tolist(), d.repetitive.tolist()) for d in documents]
    expected = oracle.calibrate([list(zip(*column, strict=True)) for column in columns], q, r)

    assert [getattr(found.ranks, name).p for name in NAMES] == expected["p"]
    assert found.p_all == pytest.approx(expected["p_all"])
    assert found.least_p <= min(found.p_all, *expected["p"])
    by_name = {text.name: text for text in (found.book, *found.controls)}
    for number, scores in enumerate(expected["scores"]):
        assert by_name[str(number)].numbers.scores == pytest.approx(scores)
    for name in ("windows_t", "characters_t", "census"):
        threshold, known = getattr(found, name), expected[name]
        assert (threshold is None) == (known is None)
        if known:
            assert (threshold.value, threshold.above, threshold.exceeded) == (
                known["value"], known["above"], known["exceeded"],
            )  # fmt: skip
            without = [value if value is not None and value > -math.inf else None for value in known["without"]]
            assert threshold.without == {str(n): value for n, value in enumerate(without, start=1)}
    for level in found.levels:
        for shares, values in ((level.windows, expected["windows"]), (level.characters, expected["characters"])):
            book, *controls = (oracle.share_above(each, level.log10_p_z * math.log(10) + 1e-9) for each in values)
            if book is None or None in controls:
                assert shares.book is shares.excess is shares.background is None
                continue
            known_controls = [share for share in controls if share is not None]
            mean, most = sum(known_controls) / len(known_controls), max(known_controls)
            assert (shares.book, shares.most) == (book, most)
            assert shares.excess == pytest.approx(book - mean)
            assert shares.excess_at_least == pytest.approx(book - most)
            assert shares.excess_at_most == pytest.approx(book - min(known_controls))
            assert shares.background == (pytest.approx(mean / book) if book else None)


@given(
    values=st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=12),
    control=st.lists(VALUES, min_size=1, max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_every_window_and_character_is_in_the_band_of_its_value(
    values: list[tuple[float, bool]], control: list[float]
) -> None:
    left_out = np.flatnonzero([repetitive for _, repetitive in values])
    document = make_document([value for value, _ in values], repetitive=left_out)
    comparison = compare(document, [make_document(control, name="c")])
    found = calibrate(comparison, q=0.0, r=1, books=1)
    assert found.bands
    assert found.windows_t
    assert found.characters_t
    threshold = found.windows_t.value
    bands = ["none" if repetitive else oracle.name_band(value, threshold) for value, repetitive in values]
    first, count = comparison.book.first, comparison.book.count
    assert vars(found.bands.book_windows) == {**zeros(), **Counter(bands)}
    assert vars(found.bands.stretch_windows) == {**zeros(), **Counter(bands[first : first + count])}
    painted = oracle.paint(
        [
            (start, stop, *value)
            for start, stop, value in zip(
                document.suffix_start.tolist(), document.stop.tolist(), values, strict=True
            )
        ]
    )  # fmt: skip
    characters = [
        oracle.name_band(painted[character], found.characters_t.value) if character in painted else "none"
        for character in range(len(document.text))
    ]
    assert vars(found.bands.book_characters) == {**zeros(), **Counter(characters)}
    painting = paint(document, found.windows_t, found.characters_t)
    assert [Band(band).name.lower() for band in painting.windows] == bands
    assert [Band(band).name.lower() for band in painting.characters] == characters


def zeros() -> dict[str, int]:
    return {band.name.lower(): 0 for band in Band}


def test_middle_windows_of_each_text_are_compared() -> None:
    comparison = compare_all(range(-10, 0), range(-7, 0), range(-4, 0))
    assert [stretch.log_p_z.tolist() for stretch in comparison.all] == [
        [-7, -6, -5, -4], [-6, -5, -4, -3], [-4, -3, -2, -1],
    ]  # fmt: skip
    assert [stretch.span for stretch in comparison.all] == [(50, 100), (30, 80), (20, 70)]


def test_book_that_ties_with_a_control_is_not_above_it() -> None:
    found = calibrate_all([-3.0, -2.0], [-9.0, -2.0])
    assert found.census
    assert (found.census.value, found.census.above, found.census.exceeded) == (-2.0, 0, False)
    found = calibrate_all([-3.0, -3.0], [-3.0, -3.0], [-3.0, -3.0])
    assert (found.p_all, found.ranks.bits_per_character.p) == (1.0, 1.0)


def test_book_that_leads_in_every_number_has_the_least_p() -> None:
    found = calibrate_all([-0.1] * 4, *[[-50.0 - n] * 4 for n in range(19)])
    assert found.p_all == found.least_p == found.ranks.longest_at_half.p == 0.05
    assert found.confidence == 0.95
    assert found.bands
    assert found.bands.may_say_memorised
    assert found.ranks.longest_at_half.excess_at_least == 50


def test_text_that_leads_in_two_numbers_is_more_extreme_than_texts_that_lead_in_one() -> None:
    leads = np.array([[4.0, 4, 1, 1], [1, 1, 4, 1], [2, 2, 2, 4], [3, 3, 3, 3]])
    assert [compute_ranks(np.roll(leads, -text, axis=0))[1] for text in range(4)] == [0.25, 0.75, 0.5, 1.0]


def test_one_control_says_1_in_2_and_never_memorised() -> None:
    found = calibrate_all([-0.1] * 4, [-50.0] * 4)
    assert (found.p_all, found.least_p, found.confidence, found.interval_confidence) == (0.5, 0.5, 0.5, 0.0)
    assert found.bands
    assert not found.bands.may_say_memorised
    assert found.bands.stretch_windows.extractable == 4


def test_18_controls_are_too_few_and_two_ranks_take_39() -> None:
    def may_say(controls: int, r: int) -> bool:
        bands = calibrate_all([-1.0], *[[-50.0]] * controls, r=r).bands
        assert bands
        return bands.may_say_memorised

    assert [may_say(18, 1), may_say(19, 1), may_say(38, 2), may_say(39, 2)] == [False, True, False, True]


def test_memorised_is_not_said_of_the_share_that_unseen_books_have_too() -> None:
    """One of four windows lies above all of 19 controls; t(0.25, 1) forgives an unseen book that one."""
    book, controls = [-1.0, -60.0, -60.0, -60.0], [[-50.0, -51.0, -52.0, -53.0]] * 19
    forgiven, counted = (calibrate_all(book, *controls, q=q).bands for q in (0.25, 0.0))
    assert forgiven
    assert counted
    assert forgiven.stretch_windows.extractable == counted.stretch_windows.extractable == 1
    assert [forgiven.may_say_memorised, counted.may_say_memorised] == [False, True]


def test_no_control_claims_nothing() -> None:
    found = calibrate_all([-0.1] * 4)
    assert (found.p_all, found.least_p, found.confidence) == (1.0, 1.0, 0.0)
    assert (found.census, found.windows_t, found.characters_t, found.bands) == (None, None, None, None)
    assert found.several_books is None
    assert (found.levels, found.controls) == ([], [])
    assert found.ranks.bits_per_character.excess is None


def test_text_without_windows_leaves_nothing_to_compare() -> None:
    found = calibrate_all([-0.1] * 4, [], [-9.0] * 3)
    assert (found.windows, found.pieces, found.p_all) == (0, 0, 1.0)
    assert found.census
    assert (found.census.log_p_z, found.census.above, found.census.share, found.census.decided_by) == (
        None,
        0,
        None,
        None,
    )
    assert found.book.first_window is None


def test_windows_that_are_all_repetitive_are_no_evidence() -> None:
    book = make_document([-0.1] * 4, repetitive=range(4))
    found = calibrate(compare(book, [make_document([-9.0] * 4, name="c")]), q=0.0, r=1, books=1)
    assert (found.p_all, found.book.repetitive, found.book.measurable) == (1.0, 4, 0)
    assert found.census
    assert not found.census.exceeded
    assert found.bands
    assert found.bands.book_windows.none == 4


def test_threshold_names_the_window_that_decides_it_and_what_it_is_without_each_control() -> None:
    control = make_document([-90.0, -33.0, -70.0, -33.0], name="pastiche")
    found = calibrate(
        compare(make_document([-40.0] * 9), [make_document([-57.0] * 4, name="story"), control]), q=0.0, r=1, books=1
    )
    assert found.census
    decided = found.census.decided_by
    assert decided
    assert (decided.text, decided.number, decided.start, decided.stop, decided.log_p_z) == (
        "pastiche", 1, 30, 50, -33.0,
    )  # fmt: skip
    assert found.census.without == {"story": -33.0, "pastiche": -57.0}
    assert [text.name for text in found.controls] == ["pastiche", "story"], "the worst first"
    assert (found.pieces, found.census.chance, found.census.chance_whole_book) == (3, 1 / 3, 1.0)


def test_a_thousandth_forgives_one_window_of_a_thousand_and_none_of_fewer() -> None:
    def t(count: int) -> float:
        threshold = calibrate_all([-50.0] * count, [-1.0, *[-50.0] * (count - 1)], q=0.001).windows_t
        assert threshold
        return threshold.value

    assert [t(999), t(1000)] == [-1.0, -50.0]
    assert forgive(0.29, 100) == 29, "0.29 is below 29/100 in binary"


def test_threshold_of_characters_is_that_of_the_maps() -> None:
    """One window in ten is good, but with the windows twice as long as the stride it colours two tenths."""
    values = [-50.0, *[-9.0 if n % 10 == 4 else -50.0 for n in range(100)]]
    found = calibrate_all(values, values, q=0.12)
    assert found.windows_t
    assert found.characters_t
    assert (found.windows_t.value, found.characters_t.value) == (-50.0, -9.0)


def test_levels_begin_at_t() -> None:
    found = calibrate_all([-20.0] * 5, [-40.0] * 5, [-60.0] * 5)
    first = found.levels[0]
    assert first.is_t
    assert first.log10_p_z == pytest.approx(-40 / math.log(10))
    assert [round(level.log10_p_z) for level in found.levels[1:]] == [-15, -10, -5, -3, -2, -1, 0, 0]
    assert (first.windows.book, first.windows.mean, first.windows.background) == (1.0, 0.0, 0.0)


def test_several_books_raise_the_chance_of_an_error() -> None:
    found = calibrate(compare_all([-1.0], *[[-9.0]] * 19), q=0.0, r=1, books=5)
    assert found.several_books
    assert found.several_books.any_above_all_controls == pytest.approx(0.2083, abs=1e-4)
    assert found.several_books.expected_above_all_controls == 0.25
    assert found.several_books.rate_of_these_controls == pytest.approx(0.146, abs=5e-4)


def test_first_look_is_said_to_be_one() -> None:
    spread = make_document([-9.0] * 4, name="c", spread=True)
    assert calibrate(compare(make_document([-1.0] * 4), [spread]), q=0.0, r=1, books=1).is_spread


def test_document_of_a_measured_book_has_its_windows() -> None:
    book = toy.make_book([0.9, 1e-5, 0.3], asked=[(30, 60)])
    document = Document.from_measured(book)
    assert document.number.tolist() == [1, 2]
    np.testing.assert_allclose(np.exp(document.log_p_z), [1e-5, 0.3])
    assert [document.text[start:stop] for start, stop in zip(document.suffix_start, document.stop, strict=True)] == [
        book.book.text[30:50], book.book.text[40:60],
    ]  # fmt: skip


def test_threshold_without_infinity_is_a_number() -> None:
    threshold = calibrate_all([-1.0, -math.inf], [-math.inf] * 2).census
    assert isinstance(threshold, Threshold)
    assert (threshold.log_p_z, threshold.value, threshold.above) == (None, -math.inf, 1)


def test_facts_say_how_many_controls_and_what_they_allow() -> None:
    facts = state_facts(calibrate_all([-30.0, -20.0], [-80.0, -76.6], [-90.0, -90.0]))
    assert facts.rank == ("Of 2 controls, none is as extreme as the book: p = 0.333, 1 in 3, the least possible.")
    assert facts.bits == (
        "Over the windows compared, the book takes 1.80 bits a character, its best control 5.65: at least 3.84 fewer "
        "than the same book unseen, with confidence 67%."
    )
    assert facts.threshold == (
        "100.0% (≥ 20.7%) of the 2 windows compared lie above p_z = 5 × 10⁻³⁴; of unseen books, at most 1 in 3 have "
        "more than 0% there."
    )
    assert facts.census == (
        "The best of the book's windows compared has p_z = 2 × 10⁻⁹, the controls' best 5 × 10⁻³⁴ (c1, characters 30 "
        "to 50): an unseen book would be above with a chance of at most 1 in 3."
    )
    assert facts.word == "Nothing may be called memorised: that takes 19 controls."
    assert facts.bands == (
        "Of the windows compared, 0 are extractable, 2 only above the controls, 0 easily drawn but not above, "
        "0 like unseen text."
    )
    assert facts.sample == facts.middle_band == facts.several_books == facts.spread == ""


def test_facts_do_not_claim_what_a_control_shows_too() -> None:
    comparison = compare_all([-1.0, -20.0], [-0.5, -10.0], *[[-50.0] * 2] * 19)
    facts = state_facts(calibrate(comparison, q=0.0, r=1, books=3))
    assert facts.rank.startswith("Of 20 controls, 1 is as extreme as the book: p = 0.0952, 2 in 21, where 1 in 21 is")
    assert "fewer than" not in facts.bits
    assert facts.threshold.startswith("0.0% (≤ 79.3%) of the 2 windows compared lie above p_z = 60.7%")
    assert facts.word == (
        "Nothing may be called memorised: no more lies above the controls than unseen books may have there."
    )
    assert facts.middle_band
    assert "all 3 books" in facts.several_books
    assert "at most 13%" in facts.several_books


def make_known(count: int, *, books: int = 1, spread: bool = False) -> Calibration:
    """A book far above 19 controls."""
    book = make_document([-1.0] * count, spread=spread)
    controls = [make_document([-80.0] * count, name=f"c{n}", spread=spread) for n in range(19)]
    return calibrate(compare(book, controls), q=0.001, r=1, books=books)


def test_memorised_is_never_said_in_a_first_look() -> None:
    """With `windows=`, not all windows of a text are measured; the same numbers of all windows would allow it."""
    assert state_facts(make_known(5)).word == "What lies above the controls may be called memorised."
    first_look = make_known(5, spread=True)
    assert first_look.bands
    assert not first_look.bands.may_say_memorised
    assert state_facts(first_look).word == "Nothing may be called memorised: only some windows were measured."


def test_memorised_of_one_of_several_books_stands_beside_the_chance_for_all() -> None:
    """Ten unseen books and 19 controls: up to 10 / 29 that one of them is above all controls."""
    assert state_facts(make_known(5, books=10)).word == (
        "What lies above the controls may be called memorised, of this book by itself: with 10 books looked at, an "
        "unseen one is above all controls with a chance of up to 34% (R / (R + K))."
    )


def test_facts_without_controls_say_what_it_takes() -> None:
    facts = state_facts(calibrate_all([-1.0]))
    assert facts.word == "Nothing may be called memorised: that takes 19 controls."
    assert not any(sentence for name, sentence in vars(facts).items() if name != "word")


def test_control_sample_is_compared_with_t() -> None:
    """Strictly above: a suffix at t itself is as the controls are."""
    comparison = compare_all([-30.0, -20.0], [-25.0, -76.6])
    own, other = np.array([-30.0, -25.0, -24.0, -1.0]), np.array([-80.0, -math.inf, -90.0, -3.0])
    sample = SampleLogPZ(own_prompt=own, other_prompt=other, non_overlapping=3)
    found = calibrate(comparison, q=0.0, r=1, books=1, sample=sample)
    assert found.control_sample
    assert (found.control_sample.own_prompt, found.control_sample.other_prompt) == (0.5, 0.25)
    assert state_facts(found).sample == (
        "Of the suffixes that were scored twice, 50.0% lie above p_z = 1 × 10⁻¹¹ under their own prompt, 25.0% under "
        "another."
    )
    none = SampleLogPZ(own_prompt=np.array([]), other_prompt=np.array([]), non_overlapping=0)
    assert calibrate(comparison, q=0.0, r=1, books=1, sample=none).control_sample is None


def test_none_and_all_of_the_windows_stand_beside_the_bound_of_those_that_share_no_text() -> None:
    """Of windows of 40 characters at every tenth, without the first: numbers 1, 5 and 9."""
    book = make_document([-80.0] * 10, repetitive=[0])
    control = make_document([-70.0] * 10, name="c")
    sample = SampleLogPZ(own_prompt=np.full(20, -60.0), other_prompt=np.full(20, -90.0), non_overlapping=4)
    found = calibrate(compare(book, [control]), q=0.0, r=1, books=1, sample=sample)
    assert (found.book.non_overlapping, found.controls[0].non_overlapping) == (3, 3)
    z_squared = 1.959964**2
    of_three, of_four = (f"{z_squared / (z_squared + n):.1%}" for n in (3, 4))
    facts = state_facts(found)
    assert facts.threshold.startswith(f"0.0% (≤ {of_three}) of the 9 windows compared")
    assert format_rank(found) == ("1 (≥ 0.5)", f"0.0% (≤ {of_three})")
    least_of_four = f"{4 / (z_squared + 4):.1%}"
    assert f"100.0% (≥ {least_of_four}) lie above" in facts.sample
    assert f"0.0% (≤ {of_four}) under another" in facts.sample
    rank, thresholds, *_ = list_tables(found, facts.word)
    assert [row[1:3] for row in rank.rows[:2]] == [(f"0.0% (≤ {of_three})",) * 2] * 2
    assert [row[4] for row in thresholds.rows] == [f"0.0% (≤ {of_three})"] * 3


def test_balance_is_that_of_the_stretch() -> None:
    document = make_document([-9.0, -1.0, -2.0, -3.0, -9.0])
    found = calibrate(compare(document, [make_document([-9.0] * 3, name="c")]), q=0.0, r=1, books=1).book
    text = document.text[found.start : found.stop]
    assert (found.first_window, found.start, found.stop) == (1, 30, 70)
    assert found.balance.words == len(text.split())
    assert found.balance.compressed_bytes_per_character == len(zlib.compress(text.encode())) / 40
    assert found.balance.median_log10_p_z == pytest.approx(-2 / math.log(10))
