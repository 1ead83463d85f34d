"""comparison.html: what it says, where its numbers come from, and what it must never do."""

import dataclasses
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from byheart.components.compare.page import find_scale, place_dot, render_page, sign_points
from byheart.components.compare.sentences import answer, choose_level, list_levels
from byheart.measures.comparison.comparison import ModelComparison
from byheart.measures.comparison.scored_text import ABOVE_CONTROLS, Level
from byheart.measures.measured import MeasuredBook
from tests.compare.conftest import HOSTILE
from tests.measures import toy
from tests.measures.comparison.runs import compare_books

_TAG = re.compile(r"<[^>]*>")


def read_text(page: str) -> str:
    """What a reader sees at any level, without style and script."""
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(_TAG.sub(" ", body).split())


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "comparison.html").read_text(encoding="utf-8")


def test_page_loads_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)=["']?(?!data:|#)""", page)
    assert "@import" not in page


def test_numbers_of_every_level_stand_on_the_page(page: str, comparison: ModelComparison) -> None:
    levels = list_levels(comparison)
    assert [level.name for level in levels] == ["0.001", "0.01", "0.1", "0.5", "above_controls"]
    for text in comparison.texts:
        for model in text.measured:
            for level in levels:
                if level in model.at:
                    share = model.at[level].coverage
                    assert share is not None
                    shown = f"{share:.1%}"
                    assert re.search(rf'<span data-at="{re.escape(level.name)}"><b>{re.escape(shown)}</b>', page), shown
    (pair,) = comparison.texts[0].pairs
    for at in pair.at:
        assert at.overlap.jaccard is not None
        counts = (at.overlap.first_only, at.overlap.both, at.overlap.second_only)
        assert at.level.threshold == 0.75 or " · ".join(f"{count:,}" for count in counts) in page


def test_strip_of_each_model_has_its_columns(page: str, comparison: ModelComparison) -> None:
    tops = re.findall(r'data-kind="p_z" data-tops="(\d+)"', page)
    assert [len(digits) for digits in tops] == [720, 720, 75, 75], "a column of a short text is one character"
    first = comparison.texts[0].measured[0]
    shades = first.shades
    edges = np.arange(721) * len(shades) // 720
    expected = [int(max(shades[start:stop])) for start, stop in itertools.pairwise(edges)]
    assert tops[0] == "".join(map(str, expected))
    assert max(expected) >= 4


def test_most_known_is_named_first_and_by_which_model(comparison: ModelComparison) -> None:
    level = choose_level(comparison)
    assert level == Level(threshold=0.5)
    said = answer(comparison, level)
    shares = [model.at[level].coverage for model in comparison.texts[0].measured]
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[1] > shares[0]
    assert said.startswith(f"Most is known to large: {shares[1]:.1%} of “toy” comes back")
    assert f"against {shares[0]:.1%} under small" in said
    assert "stands above its controls" in answer(comparison, ABOVE_CONTROLS)


def test_reference_comes_with_its_warning(page: str) -> None:
    text = read_text(page)
    assert "must have seen none of the controls: of 1, one that it has seen" in text
    assert "Only ranks are claims" in text


def test_what_other_tokenizers_forbid_always_stands_there(page: str) -> None:
    assert "What may be compared then: bits per character, and bands" in read_text(page)
    assert "May not be compared as it stands" not in page


def test_columns_keep_their_names_on_a_phone(page: str) -> None:
    cells = re.findall(r"<td([^>]*)>", page)
    assert all("data-label" in cell for cell in cells if cell), cells
    assert len([cell for cell in cells if not cell]) == len(re.findall(r"<td><bdi>", page)), (
        "the first is the row's name"
    )


def test_hostile_names_stay_text(comparison: ModelComparison) -> None:
    text = comparison.texts[0]
    named = dataclasses.replace(text.measured[0], model=HOSTILE)
    description = dataclasses.replace(text.description, title="<script>alert(1)</script>reversed \u202e")
    pair = dataclasses.replace(text.pairs[0], first=HOSTILE)
    texts = (dataclasses.replace(text, description=description, models=(named, text.models[1]), pairs=(pair,)),)
    models = (dataclasses.replace(comparison.models[0], name=HOSTILE), comparison.models[1])
    page = render_page(dataclasses.replace(comparison, models=models, texts=texts))
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 1
    assert "&lt;img src=x" in page
    assert "\u202e" not in page
    assert page.count("reversed □") >= 3


def test_shares_that_look_equal_are_not_told_apart(comparison: ModelComparison) -> None:
    (text, _), level = comparison.texts, Level(threshold=0.5)
    small, large = text.measured
    nearly = {level: dataclasses.replace(large.at[level], coverage=0.5)}
    models = (dataclasses.replace(small, at={level: dataclasses.replace(small.at[level], coverage=0.50001)}),
              dataclasses.replace(large, at=nearly))  # fmt: skip
    same = dataclasses.replace(comparison, texts=(dataclasses.replace(text, models=models),))
    assert answer(same, level).startswith("All models know about as much: 50.0% of “toy” comes back")


def test_where_nothing_is_known_bits_are_said(tmp_path: Path) -> None:
    def make(p_z: float) -> list[MeasuredBook]:
        return [toy.make_book([p_z] * 3)]

    comparison = compare_books(tmp_path, {"small": make(1e-12), "large": make(1e-9)})
    said = answer(comparison, choose_level(comparison))
    assert said.startswith("No model writes any of this out word for word in at least every second try.")
    assert "The fewest corrections take large’s guesses: 1.49 bits per character, against 1.99 under small." in said
    page = read_text(render_page(comparison))
    assert "neither" in page
    assert "0.0% ≤ " in page, "a bound, since an interval over few blocks says nothing"


def test_sentence_of_each_level_denies_that_level_only(tmp_path: Path) -> None:
    comparison = compare_books(tmp_path, {name: [toy.make_book([0.02] * 3)] for name in ("small", "large")})
    assert answer(comparison, Level(threshold=0.01)).startswith("All models know about as much: 100.0% of")
    assert answer(comparison, Level(threshold=0.5)).startswith(
        "No model writes any of this out word for word in at least every second try."
    )
    assert "word for word at least once in 10 tries." in answer(comparison, Level(threshold=0.1))


def test_means_are_of_books_that_all_models_measured(tmp_path: Path) -> None:
    easy, hard = toy.make_book([0.9] * 3, name="easy"), toy.make_book([1e-9] * 3, name="hard")
    comparison = compare_books(tmp_path, {"one": [easy, hard], "two": [easy, hard], "three": [easy]})
    assert "All models know about as much: 100.0% of “easy”" in answer(comparison, Level(threshold=0.5))
    assert "mean of" not in read_text(render_page(comparison)), "one book is no mean"


def test_one_control_is_no_controls_and_every_test_is_counted(page: str) -> None:
    text = read_text(page)
    assert "p 0.5 among 1 control" in text
    assert "1 controls" not in text
    tests = len(re.findall(r"p [0-9.]+ \(\d+ block", text)) + len(re.findall(r"</b><small>p [0-9.]+</small>", page))
    assert f"Of the {tests} tests on this page" in text


def test_differences_stand_on_one_scale(comparison: ModelComparison) -> None:
    level = Level(threshold=0.001)
    largest = max(
        abs(at.difference or 0)
        for text in comparison.texts
        for pair in text.pairs
        for at in pair.at
        if at.level == level
    )
    scale = find_scale(comparison, level)
    assert largest <= scale <= max(10 * largest, 0.001)
    assert [place_dot(value, None, 0.2).place for value in (-0.2, 0, 0.1)] == [0, 50, 75]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.081, "+8.1"), (-0.081, "−8.1"), (0, "0"), (0.0001, "< +0.1"), (-0.0001, "> −0.1"), (None, "–")],
)
def test_differences_have_signs_and_no_false_zero(value: float | None, shown: str) -> None:
    assert sign_points(value) == shown
