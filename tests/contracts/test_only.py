"""The part of a book that `only` names, held against a loop over its characters."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.books import Book, Chapter
from byheart.contracts.errors import BookError
from byheart.contracts.only import select_characters

STARTS = (50, 100, 130, 400)


def book(*starts: int, characters: int = 500, role: str = "book") -> Book:
    chapters = tuple(Chapter(title=f"Chapter {start}", start=start) for start in starts)
    return Book(name="b", source="b.txt", text="x" * characters, chapters=chapters, role=role)


def asked(only: str, of: Book) -> list[tuple[int, int]]:
    return [(span.start, span.stop) for span in select_characters(of, only)]


@pytest.mark.parametrize(
    ("only", "spans"),
    [
        ("", [(0, 500)]),
        ("  ", [(0, 500)]),
        ("1", [(50, 100)]),
        ("2", [(100, 130)]),
        ("4", [(400, 500)]),
        ("2-3", [(100, 400)]),
        (" 3 , 2", [(100, 400)]),
        ("1,3-4", [(50, 100), (130, 500)]),
        ("1-4", [(50, 500)]),
        ("100:200", [(100, 200)]),
        (":60", [(0, 60)]),
        ("490:", [(490, 500)]),
        ("490:9999", [(490, 500)]),
        ("300:400,0:10,10:20", [(0, 20), (300, 400)]),
        (":", [(0, 500)]),
    ],
)
def test_part_of_a_hand_worked_book(only: str, spans: list[tuple[int, int]]) -> None:
    """What stands before the first heading is in no chapter."""
    assert asked(only, book(*STARTS)) == spans


@given(st.lists(st.tuples(st.integers(0, 79), st.integers(1, 90)), min_size=1, max_size=5))
def test_stretches_hold_each_character_that_a_range_holds_once_and_in_order(ranges: list[tuple[int, int]]) -> None:
    only = ",".join(f"{start}:{start + length}" for start, length in ranges)
    naive = [at for at in range(80) if any(start <= at < start + length for start, length in ranges)]
    spans = asked(only, book(characters=80))
    assert [at for start, stop in spans for at in range(start, stop)] == naive
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans)), "those that touch are one"


@given(st.sets(st.integers(1, 5), min_size=1))
def test_chapters_hold_what_stands_from_heading_to_heading(numbers: set[int]) -> None:
    starts = [3, 10, 25, 26, 60]
    naive = [at for at in range(80) if sum(start <= at for start in starts) in numbers]
    spans = asked(",".join(map(str, numbers)), book(*starts, characters=80))
    assert [at for start, stop in spans for at in range(start, stop)] == naive


@pytest.mark.parametrize(
    ("only", "starts", "said"),
    [
        ("5", STARTS, "b.txt must have chapter 5, which only=5 asks for, found that the book has 4 chapters: choose"),
        ("2-6", STARTS, "must have chapter 6, .* found that the book has 4 chapters"),
        ("2", (0,), "found that the book has 1 chapter:"),
        ("1", (), "found that the book has no chapters: ask for characters, as 0:30000, or set chapters to"),
        ("500:600", STARTS, "must reach character 500, .* found that the book has 500 characters: choose a range"),
        ("0:10,700:", STARTS, "must reach character 700"),
    ],
)
def test_book_without_the_part_is_refused_with_what_it_has(only: str, starts: tuple[int, ...], said: str) -> None:
    with pytest.raises(BookError, match=said):
        asked(only, book(*starts))


@pytest.mark.parametrize("only", ["3", "400:900"])
def test_control_is_asked_for_whole(only: str) -> None:
    assert asked(only, book(characters=300, role="control")) == [(0, 300)]
