"""Selected windows of a book: the numbers are those of the whole book, limited to what was selected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart.contracts.books import Book, Chapter
from byheart.contracts.json_files import to_json
from byheart.contracts.only import Span, select_characters
from byheart.contracts.setting_groups import SelectionSettings
from byheart.measures.blocks import cut_blocks
from byheart.measures.coverage import NotMeasurable, find_words
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import MeasuredBook
from byheart.measures.schemes import Schemes
from byheart.measures.selection import describe_selection
from byheart.measures.statistics import Measurable
from byheart.measures.units import NoInterval
from tests.measures import toy

P_Z = np.exp(-np.random.default_rng(2).exponential(2, 60))
"""Windows at 0, 10, ... of 20 + 20 characters, 635 in all."""


def map_by_loop(book: MeasuredBook, p_z: np.ndarray, asked: set[int], coverage: str) -> dict[int, float]:
    """The largest p_z over each selected character, by loops over the measured windows."""
    values: dict[int, float] = {}
    for number in book.selection.numbers().tolist():
        first = 10 * number + (20 if coverage == "suffix" else 0)
        for character in set(range(first, 10 * number + 40)) & asked:
            values[character] = max(values.get(character, 0), float(p_z[number]))
    return values


@settings(max_examples=40)
@given(
    part=st.lists(st.tuples(st.integers(0, 600), st.integers(25, 200)), min_size=1, max_size=3), most=st.integers(0, 9)
)
def test_numbers_count_selected_windows_and_characters(part: list[tuple[int, int]], most: int) -> None:
    only = ",".join(f"{start}:{start + length}" for start, length in part)
    spans = select_characters(Book(name="b", source="b.txt", text="x" * 635), only)
    stretches = [(span.start, span.stop) for span in spans]
    asked = {character for start, stop in stretches for character in range(start, stop)}
    book = toy.make_book(P_Z, asked=stretches, most=most)
    statistics = toy.compute_numbers(book)
    numbers = book.selection.numbers().tolist()
    assert (statistics.windows.count, statistics.windows.of_book) == (len(numbers), 60)
    assert statistics.plain.windows_at[0.1].count == sum(P_Z[number] >= 0.1 for number in numbers)
    assert (statistics.characters.count, statistics.characters.asked) == (635, len(asked))
    words = find_words(book.book.text)
    whole = [set(range(start, stop)) for start, stop in zip(words.start, words.stop, strict=True)]
    assert statistics.words == sum(word <= asked for word in whole)
    for coverage in ("suffix", "window"):
        values = map_by_loop(book, P_Z, asked, coverage)
        counted = getattr(statistics.characters, coverage)
        at = getattr(statistics.plain.coverage_at, coverage)[0.1]
        reached = {character for character, value in values.items() if value >= 0.1}
        assert counted.measurable == len(values)
        assert at.characters == len(reached)
        assert at.share_of_measurable == (len(reached) / len(values) if values else None)
        assert at.share_of_all == len(reached) / len(asked)
        assert at.words == sum(word <= reached for word in whole)
        # A character is not asked for if some window of the book covers it, or if it lies outside `only`.
        every = set(range(20 if coverage == "suffix" else 0, 630))
        assert counted.not_asked == len({c for c in range(635) if c not in values and (c in every or c not in asked)})
        rest = counted.not_measurable
        left = rest.first_prompt + rest.short_slices + rest.between_windows + rest.tail
        assert counted.measurable + counted.not_asked + left == 635
    assert statistics.measurable_share == statistics.characters.suffix.measurable / len(asked)
    assert b"NaN" not in to_json(statistics)


def test_selection_of_a_hand_worked_book() -> None:
    """Suffixes [20, 40) [30, 50) [40, 60) [50, 70) of 75 characters; [25, 60) holds the second and the third."""
    book = toy.make_book([0.9, 0.02, 0.6, 1e-5], characters=75, asked=[(25, 60)])
    statistics = toy.compute_numbers(book)
    assert book.selection.numbers().tolist() == [1, 2]
    assert statistics.characters.suffix == Measurable(
        measurable=30,
        not_asked=45,
        not_measurable=NotMeasurable(first_prompt=0, short_slices=0, between_windows=0, tail=0),
    )
    assert statistics.characters.window.measurable == 35, "prompts before the selected characters are not selected"
    assert statistics.headline.coverage == 20 / 30
    assert statistics.headline.windows == 1.0
    assert statistics.headline.longest == 20
    assert statistics.measurable_share == 30 / 35


def test_first_prompt_and_tail_count_only_selected_characters() -> None:
    begin = toy.compute_numbers(toy.make_book([0.5] * 4, characters=75, asked=[(0, 50)])).characters.suffix
    assert (begin.measurable, begin.not_asked, begin.not_measurable.first_prompt) == (30, 25, 20)
    end = toy.compute_numbers(toy.make_book([0.5] * 4, characters=75, asked=[(30, 75)])).characters.suffix
    assert (end.measurable, end.not_asked, end.not_measurable.tail) == (40, 30, 5)


def test_passages_of_spread_windows_end_between_them() -> None:
    """All of the book is known; every sixth window leaves gaps of 40 characters between suffixes of 20."""
    whole, spread = toy.make_book([0.9] * 60), toy.make_book([0.9] * 60, most=10)
    assert toy.compute_numbers(whole).headline.longest == 610
    statistics = toy.compute_numbers(spread)
    assert (statistics.headline.coverage, statistics.headline.windows, statistics.headline.longest) == (1.0, 1.0, 20)
    assert statistics.plain.passages_at[0.5].count == 10
    assert statistics.plain.passages_at[0.5].longest
    assert statistics.plain.passages_at[0.5].longest.longest_consecutive == 1
    assert statistics.windows.non_overlapping == 10


def test_control_sample_is_of_the_measured_suffixes() -> None:
    """Windows 20 to 39: under their own prompts those from 30 on are known."""
    p_z = np.where(np.arange(60) < 30, 1e-6, 0.9)
    book = toy.make_book(p_z, asked=[(220, 430)], sample=4, sample_p_z=0.02)
    assert book.selection.numbers().tolist() == list(range(20, 40))
    assert book.sample.suffix_window.tolist() == [22, 27, 32, 37]
    assert book.sample.prompt_window.tolist() == [52, 57, 2, 7]
    statistics = toy.compute_numbers(book).control_sample
    assert statistics
    assert (statistics.plain.at[0.5].own_prompt, statistics.plain.at[0.5].other_prompt) == (0.5, 0.0)


def cut(characters: int, asked: list[tuple[int, int]], *chapters: int) -> tuple[list[int], str]:
    titled = tuple(Chapter(title=str(start), start=start) for start in chapters)
    book = Book(name="b", source="b.txt", text="x" * characters, chapters=titled)
    blocks = cut_blocks(book, [Span(start=start, stop=stop) for start, stop in asked], 1_000)
    return blocks.starts.tolist(), blocks.unit


def test_blocks_are_the_chapters_with_selected_characters() -> None:
    chapters = range(500, 20_500, 1_000)
    assert cut(20_500, [(0, 20_500)], *chapters) == ([0, *chapters[1:]], "chapters")
    some = [(3_000, 3_400), (5_500, 15_501)]
    assert cut(20_500, some, *chapters) == ([2_500, *range(5_500, 16_000, 1_000)], "chapters")
    short = [(start, start + 999) for start in range(500, 20_500, 1_000)]
    assert cut(20_500, short, *chapters)[1] == "runs of 1,051 characters", "the selected part of each is too short"
    assert cut(20_500, [(5_500, 6_500)], *chapters) == ([5_500], "runs of 1,000 characters"), "a single chapter"


@given(st.lists(st.tuples(st.integers(1, 30_000), st.integers(1, 60_000)), min_size=1, max_size=4))
def test_runs_are_counted_in_selected_characters(gaps: list[tuple[int, int]]) -> None:
    spans, at = [], 0
    for gap, length in gaps:
        spans.append((at + gap, at + gap + length))
        at += gap + length
    characters = np.concatenate([np.arange(start, stop) for start, stop in spans])
    starts, _ = cut(at + 7, spans)
    count = max(len(characters) // 1_000, 1)
    assert starts == characters[len(characters) * np.arange(count) // count].tolist()


def test_interval_is_that_of_a_book_of_the_selected_chapters_alone() -> None:
    chapters = tuple(Chapter(title=str(start), start=start) for start in range(0, 400_000, 20_000))
    p_z = np.exp(-np.random.default_rng(0).exponential(4, 400))
    part = toy.compute_numbers(
        toy.make_book(p_z, chapters=chapters, stride=1_000, characters=400_100, asked=[(0, 200_000)])
    )
    few = tuple(chapter for chapter in chapters if chapter.start < 200_000)
    alone = toy.compute_numbers(toy.make_book(p_z[:200], chapters=few, stride=1_000, characters=200_000))
    assert part.windows.count == 200
    assert (part.uncertainty.block, part.uncertainty.blocks) == ("chapters", 10)
    assert part.plain.windows_at == alone.plain.windows_at
    assert part.plain.windows_at[0.1].interval
    for at in THRESHOLDS:
        mine, other = part.plain.coverage_at.suffix[at], alone.plain.coverage_at.suffix[at]
        assert (mine.share_of_measurable, mine.interval) == (other.share_of_measurable, other.interval)
    one = toy.compute_numbers(
        toy.make_book(p_z, chapters=chapters, stride=1_000, characters=400_100, asked=[(0, 19_999)])
    )
    assert one.plain.windows_at[0.1].no_interval == NoInterval.FEW_BLOCKS, "whatever the book has"


@pytest.mark.parametrize(
    ("asked", "most", "only", "role", "clause"),
    [
        ([], 0, "", "book", ""),
        ([], 0, "3", "control", ""),
        ([(100, 300)], 0, "100:300", "book", "only 19 of the book's 60 windows were measured: those in characters 100"),
        ([(100, 300)], 0, "3", "book", "those in characters 100 to 300 (chapter 3)"),
        ([(100, 200), (300, 400)], 0, "1,3", "book", "in characters 100 to 200 and 300 to 400 (chapters 1, 3)"),
        ([(n, n + 50) for n in range(0, 500, 100)], 0, "x:y", "book", "200 to 250 and 2 more stretches"),
        ([], 7, "", "book", "only 7 of the book's 60 windows were measured, evenly spread; passages end between them"),
        ([], 7, "3", "control", "only 7 of the book's 60 windows were measured, evenly spread; passages end between"),
        ([(100, 300)], 7, "3", "book", "were measured, evenly spread over characters 100 to 300 (chapter 3); passages"),
    ],
)
def test_selection_is_described_in_words(
    asked: list[tuple[int, int]], most: int, only: str, role: str, clause: str
) -> None:
    outcome = toy.compute_outcome(toy.make_book(P_Z, asked=asked, most=most, role=role))
    words = describe_selection(outcome.book, SelectionSettings(only=only, windows=most))
    assert clause in words
    assert bool(words) == bool(clause)


def test_maps_are_those_of_the_whole_book_except_where_not_selected() -> None:
    whole, part = toy.make_book(P_Z).schemes, toy.make_book(P_Z, asked=[(100, 300)]).schemes
    assert isinstance(part, Schemes)
    inside = slice(130, 270)  # no suffix here crosses the ends of the selected stretch
    np.testing.assert_array_equal(part.plain.maps.suffix.log_p_z[inside], whole.plain.maps.suffix.log_p_z[inside])
    assert not part.plain.maps.suffix.measurable[[*range(100), *range(300, 635)]].any()
    assert not part.plain.maps.window.measurable[[*range(100), *range(300, 635)]].any()
