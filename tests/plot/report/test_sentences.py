"""What the report says first: each case has its own words, and every number in them is computed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from byheart.components.plot.content import collect_content
from byheart.components.plot.report.page import render_report
from byheart.components.plot.report.pictures import draw_pictures
from byheart.components.plot.report.sentences import answer
from byheart.measures.headline import list_figures
from byheart.measures.outcomes import Outcome
from byheart.measures.suffix_length import SuffixLength
from byheart.measures.summary import summarize
from tests.measures import toy


def make_outcome(p_z: Any, controls: Sequence[Any] = ()) -> Outcome:
    unseen = [toy.make_book(values, name=f"unseen-{n}", role="control") for n, values in enumerate(controls)]
    return toy.compute_outcome(toy.make_book(p_z, name="book"), toy.make_control(*unseen) if unseen else None)


def say(outcome: Outcome) -> str:
    """The whole answer of a book called Book."""
    titles = {outcome.book.name: "Book"} | {f"unseen-{n}": f"Unseen {n}" for n in range(9)}
    said = answer(outcome, list_figures(outcome.statistics)[0], titles)
    return " ".join(filter(None, (said.first, said.share, said.rest)))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (0, "None of it. Nowhere"),
        (1, "A little of it. "),
        (30, "Part of it. "),
        (50, "About half of it. "),
        (80, "Most of it. "),
        (100, "Practically all of it. 100.0%"),
    ],
)
def test_first_words_follow_the_coverage(known: int, words: str) -> None:
    """Suffixes of 20 characters, one every 40, so that each window has its own."""
    values = np.where(np.arange(100) < known, 0.9, 1e-9)
    outcome = toy.compute_outcome(toy.make_book(values, name="book", stride=40))
    assert say(outcome).startswith(words)
    assert ("So much is rare" in say(outcome)) == (known == 100)


def test_almost_none_is_said_below_one_per_cent_only() -> None:
    values = np.where(np.arange(300) < 1, 0.9, 1e-9)
    said = say(toy.compute_outcome(toy.make_book(values, name="book", stride=40)))
    assert said.startswith("Almost none of it. 0.3% of the text lies in stretches of about ")


def test_length_of_a_stretch_is_computed_from_the_text() -> None:
    windows = toy.make_windows(4, stride=10, prompt=20, suffix=20)
    text = "ab cd " * 20
    length = SuffixLength.measure(text, windows)
    assert length
    begins = [at for at in range(len(text)) if at % 3 == 0]
    spans = [(20 + 10 * n, 40 + 10 * n) for n in range(4)]
    assert length.words == sum(start <= at < stop for start, stop in spans for at in begins) / 4
    assert length.characters == 20
    assert SuffixLength.measure("ab", toy.make_windows(0)) is None


def test_scripts_without_spaces_are_counted_in_characters() -> None:
    outcome = dataclasses.replace(make_outcome([0.9] * 5), suffix_length=SuffixLength(characters=80.4, words=1.2))
    assert "in stretches of about 80 characters that the model" in say(outcome)


def test_text_of_which_nothing_is_known_has_its_best_place_and_is_not_called_unseen() -> None:
    said = say(make_outcome([1e-6, 1e-9]))
    assert "as printed in every second try; the best place comes once in 10⁶ tries." in said
    assert said.endswith("That does not show that it was not trained on the text.")


def test_controls_are_named_if_one_and_counted_if_more() -> None:
    assert "Of “Unseen 0”, which it cannot have seen, none does." in say(make_outcome([0.9] * 5, [[1e-9] * 5]))
    assert "Of 2 controls, which it cannot have seen, none does." in say(make_outcome([0.9] * 5, [[1e-9] * 5] * 2))


def test_page_asks_for_a_control_of_what_is_known_from_end_to_end_only_if_there_is_none() -> None:
    assert "would a control be known too?" in say(make_outcome([0.9] * 5))
    assert "So much is rare: was the model tuned on this text?" in say(make_outcome([0.9] * 5, [[1e-9] * 5]))


def test_control_that_is_known_too_takes_the_sense_from_the_threshold() -> None:
    assert "The control is known too (100.0%): this threshold shows little." in say(make_outcome([0.9], [[0.9]]))
    assert "The controls are known too" in say(make_outcome([1e-9], [[0.9], [1e-9]]))


def test_text_without_a_window_gets_no_number() -> None:
    said = say(toy.compute_outcome(toy.make_book([], characters=30, name="book")))
    assert said == "Nothing could be measured: the text is too short for a window."


def test_many_books_are_answered_together_with_the_best_and_the_least_known() -> None:
    books = [make_outcome([p] * 30) for p in (0.9, 1e-9, 1e-9, 1e-9, 1e-9)]
    named = [toy.change_description(book, name=f"b{n}", title=f"Book {n}") for n, book in enumerate(books)]
    run = toy.make_run()
    pictures = draw_pictures(toy.make_chart_data(toy.make_book([0.9] * 5)), {})
    summary = summarize(named, run.provenance)
    text = render_report(run, named, summary, (), {book.book.name: pictures for book in named}, lambda _: "")
    assert 'Part of them. <b class="share">20.0%</b> of the text of these 5 books lies' in text
    assert "Best known is “Book 0” (100.0%), least “Book 1” (0.0%)." in text
    assert collect_content(run, named, summary, ())["called"]["b0"] == "Book 0"


def test_rank_stands_before_the_rates_in_the_line_for_researchers() -> None:
    outcome = make_outcome([0.9, 1e-9, 1e-9], [[1e-9] * 3] * 3)
    run = toy.make_run()
    pictures = draw_pictures(toy.make_chart_data(toy.make_book([0.9] * 5)), {})
    text = render_report(run, [outcome], summarize([outcome], run.provenance), (), {"book": pictures}, lambda _: "")
    line = text[text.index('<p class="soft">Rank') :].partition("</p>")[0]
    assert line.startswith('<p class="soft">Rank 1 of 4 (p = 0.25) · suffix coverage at p_z ≥ 0.5: ')
    assert f" · {run.settings.window.prompt_tokens} + {run.tokenization.scored_tokens} tokens, stride " in line
