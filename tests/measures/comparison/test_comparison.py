"""Models compared on texts: by sets of characters in plain Python, by hand, and a model against itself."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.only import Span
from byheart.measures.blocks import choose_block_length, cut_blocks, find_stretches
from byheart.measures.comparison.comparison import ModelComparison, compare_models
from byheart.measures.comparison.models import name_models
from byheart.measures.comparison.pairs import Pair, PairAtLevel
from byheart.measures.comparison.scored_text import ABOVE_CONTROLS, LEVELS
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import MeasuredBook
from byheart.measures.results import Results
from tests.measures import several, toy
from tests.measures.comparison.runs import compare_books, draw_p_z, write_run

STRIDE = 1_000
UNSEEN = toy.make_book([0.002, 1e-9, 1e-9, 1e-5], name="unseen", role="control")


BOOK = toy.make_book(draw_p_z(0), stride=STRIDE)
MODELS = {
    "small": [BOOK, UNSEEN, toy.make_book([0.9], name="own")],
    "large": [toy.make_book(draw_p_z(3), stride=STRIDE, name="another-name", text=BOOK.book.text), UNSEEN],
}
"""Two models on a book of blocks and on a control, and the first on a book of its own."""


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> ModelComparison:
    """Of these models."""
    return compare_books(tmp_path_factory.mktemp("models"), MODELS)


def list_known(book: MeasuredBook, threshold: float) -> set[int]:
    """The characters of the suffixes of windows that reach a threshold."""
    spans = zip(book.windows.suffix_start.tolist(), book.windows.stop.tolist(), several.p_z(book), strict=True)
    return {c for start, stop, p in spans if p >= threshold for c in range(start, stop)}


def list_pairs(comparison: ModelComparison) -> Iterator[tuple[Pair, PairAtLevel]]:
    for text in comparison.texts:
        for pair in text.pairs:
            for at in pair.at:
                yield pair, at


def test_maps_from_the_results_are_those_of_the_statistics(sample_run: Path) -> None:
    models = name_models([Results.open(sample_run), Results.open(sample_run)], ["a", "b"])
    book, control = compare_models(models).texts
    for text in (book, control):
        (model, _) = text.measured
        plain = model.statistics.plain
        for level in LEVELS[:-1]:
            assert level.threshold
            assert model.at[level].coverage == plain.coverage_at.suffix[level.threshold].share_of_measurable
            longest = plain.passages_at[level.threshold].longest
            assert model.at[level].longest == (longest.characters if longest else 0)
    calibration = book.measured[0].calibration
    assert calibration
    assert calibration.bands
    bands = calibration.bands.book_characters
    known = bands.above_controls + bands.extractable
    assert book.measured[0].at[ABOVE_CONTROLS].coverage == known / (known + bands.easy + bands.like_unseen)
    assert ABOVE_CONTROLS not in control.measured[0].at


def test_model_against_itself_differs_in_nothing(sample_run: Path) -> None:
    same = [Results.open(sample_run), Results.open(sample_run)]
    models = name_models(same, ["a", "b"])
    assert [model.name for model in models] == ["model (a)", "model (b)"]
    comparison = compare_models(models, reference=models[1])
    assert not comparison.limits
    assert not comparison.disagreements
    pairs = list(list_pairs(comparison))
    assert len(pairs) == 6 + 5
    for pair, at in pairs:
        assert pair.bits
        for difference in (at.coverage, at.windows, pair.bits):
            assert difference
            assert (difference.value, difference.p) == (0, 1)
        assert at.difference == 0
        assert at.overlap.jaccard in (1, None)
        assert at.overlap.first_only == at.overlap.second_only == 0
    contrast = comparison.texts[0].measured[0].contrast
    assert contrast
    assert not isinstance(contrast, str)
    assert (contrast.p_all, contrast.ranks.bits_per_character.excess) == (1, 0), "every delta is 0"


def test_pair_is_what_sets_of_characters_say(comparison: ModelComparison) -> None:
    text, control = comparison.texts
    (pair,) = text.pairs
    assert (pair.first, pair.second, pair.has_same_windows) == ("large", "small", True)
    first, second = MODELS["large"][0], MODELS["small"][0]
    either = [max(a, b) for a, b in zip(several.p_z(first), several.p_z(second), strict=True)]
    assert max(either) >= 0.75
    measurable = list_known(first, 0)
    for at, threshold in zip(pair.at, THRESHOLDS, strict=False):
        a, b = list_known(first, threshold), list_known(second, threshold)
        overlap = at.overlap
        assert (overlap.first_only, overlap.both, overlap.second_only) == (len(a - b), len(a & b), len(b - a))
        assert overlap.among == len(measurable)
        assert at.coverage
        assert at.windows
        assert at.coverage.value == pytest.approx((len(a) - len(b)) / len(measurable))
        assert at.coverage.value == pytest.approx(at.difference)
        shares = [np.mean(several.p_z(book) >= threshold) for book in (first, second)]
        assert at.windows.value == pytest.approx(shares[0] - shares[1])
    assert control.is_control


def test_blocks_are_enumerated_as_they_lie(comparison: ModelComparison) -> None:
    text = comparison.texts[0]
    first, second = MODELS["large"][0], MODELS["small"][0]
    characters = len(first.book.text)
    whole = [Span(start=0, stop=characters)]
    stretches = [find_stretches(several.p_z(book) >= 0.001, book.windows, whole) for book in (first, second)]
    starts = cut_blocks(first.book, whole, max(map(choose_block_length, stretches))).starts.tolist()
    assert len(starts) == 4, "by the model whose stretches are longer"
    at = text.pairs[0].at[1]
    known = [list_known(book, 0.01) for book in (first, second)]
    blocks = [range(*pair) for pair in itertools.pairwise([*starts, characters])]
    differences = [sum(c in known[0] for c in block) - sum(c in known[1] for c in block) for block in blocks]
    flipped = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=4)
    ]
    assert at.coverage
    assert at.coverage.blocks == 4
    assert at.coverage.p == sum(value >= abs(sum(differences)) for value in flipped) / 2**4
    assert 0 < at.coverage.p < 1


def test_bits_are_compared_where_nothing_reaches_a_threshold(tmp_path: Path) -> None:
    def make(log10: float) -> MeasuredBook:
        return toy.make_book(10.0 ** np.full(30, log10), stride=STRIDE)

    comparison = compare_books(tmp_path, {"small": [make(-12.0)], "large": [make(-9.0)]})
    ((pair,),) = [text.pairs for text in comparison.texts]
    assert pair.bits
    assert pair.bits.value == pytest.approx(-3 * math.log2(10) / 20)
    assert pair.bits.p == pair.bits.least_p == 2 / 2**2
    assert pair.at[0].overlap.jaccard is None


def test_band_is_above_each_models_own_controls(tmp_path: Path) -> None:
    def make_pair(best: float) -> list[MeasuredBook]:
        return [toy.make_book([0.9, 0.01, 1e-6]), toy.make_book([best, 1e-9, 1e-9], name="unseen", role="control")]

    comparison = compare_books(tmp_path, {"easy": make_pair(0.02), "plain": make_pair(1e-5)})
    band = comparison.texts[0].pairs[0].at[-1]
    assert band.level == ABOVE_CONTROLS
    # suffixes are [20, 40), [30, 50) and [40, 60): under `plain` two windows are above, under `easy` one
    assert (band.overlap.first_only, band.overlap.both, band.overlap.second_only) == (10, 20, 0)
    assert [model.at[ABOVE_CONTROLS].longest for model in comparison.texts[0].measured] == [20, 30]


def test_other_windows_are_neither_tested_nor_contrasted(tmp_path: Path) -> None:
    text = toy.random_text(300)
    one = [toy.make_book([0.9] * 8, text=text), toy.make_book([1e-9] * 8, name="unseen", role="control")]
    two = [toy.make_book([0.9] * 8, text=text, suffix=30), one[1]]
    folders = [write_run(tmp_path / "one", one), write_run(tmp_path / "two", two, tokenizer="u")]
    models = name_models([Results.open(folder) for folder in folders], folders)
    comparison = compare_models(models, reference=models[1])
    book, control = comparison.texts
    (pair,) = book.pairs
    assert not pair.has_same_windows
    assert pair.bits is None
    assert {(at.coverage, at.windows) for at in pair.at} == {(None, None)}
    assert pair.at[3].overlap == dataclasses.replace(pair.at[3].overlap, first_only=0, second_only=0)
    assert pair.at[3].overlap.both == 90, "measurable under both"
    assert book.measured[0].contrast == "the reference has other windows of toy"
    assert control.pairs[0].has_same_windows
    (limits,) = comparison.limits
    assert "windows of some of these models are not the same (different tokenizer)" in limits
    assert "Bits per character and bands may be compared." in limits
    assert [row.what for row in comparison.disagreements] == ["tokenizer"]


def test_settings_that_differ_are_named(tmp_path: Path) -> None:
    books = [toy.make_book([0.9] * 4)]
    folders = [write_run(tmp_path / "one", books), write_run(tmp_path / "two", books, prompt_tokens=40)]
    comparison = compare_models(name_models([Results.open(folder) for folder in folders], folders))
    (row,) = comparison.disagreements
    assert (row.what, row.values) == ("prompt_tokens", ("50", "40"))
    assert comparison.limits[0].startswith("Prompts or suffixes have other numbers of tokens")


def test_texts_are_matched_by_their_hash_and_those_of_one_model_alone_are_named(comparison: ModelComparison) -> None:
    assert [text.description.name for text in comparison.texts] == ["toy", "unseen"]
    assert [book.name for book in comparison.alone] == ["own"]


def test_models_without_a_common_book_are_refused_by_name(tmp_path: Path) -> None:
    other = toy.make_book([0.9], name="other", text=toy.random_text(60).upper())
    with pytest.raises(SettingsError, match=r"must share a book.*found none \(small: toy; large: other\)"):
        compare_books(tmp_path, {"small": [toy.make_book([0.9])], "large": [other]})


def test_equal_names_are_told_apart(sample_run: Path) -> None:
    results = [Results.open(sample_run)] * 3
    names = [model.name for model in name_models(results, ["gs://b/x/", "y", "z/y"])]
    assert names == ["model (x)", "model (y), 1", "model (y), 2"]
