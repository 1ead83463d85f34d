import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from byheart.components.download.books import read_books_from
from byheart.contracts.books import Book
from byheart.contracts.errors import BookError
from byheart.contracts.setting_groups import TextSettings


def written(path: Path, data: bytes = b"Some text.") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


PLAIN = TextSettings(chapters="auto", encoding="utf-8", gutenberg="keep", unwrap=False, on_bad_book="fail")


def read(*sources: str, controls: tuple[str, ...] = (), **settings: Any) -> list[Book]:
    books, refused = read_books_from(sources, controls, replace(PLAIN, **settings))
    assert not refused
    return books


def test_files_come_in_the_order_they_were_named(tmp_path: Path) -> None:
    books = read(written(tmp_path / "b.txt"), written(tmp_path / "a.txt"))
    assert [book.name for book in books] == ["b", "a"]


def test_folder_stands_for_its_text_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "notes.md"):
        written(tmp_path / name)
    assert [book.name for book in read(str(tmp_path))] == ["a", "b"]


def test_books_of_one_name_are_told_apart(tmp_path: Path) -> None:
    names = ["x/book.txt", "y/book-2.txt", "z/book.txt"]
    books = read(*(written(tmp_path / name) for name in names))
    assert [book.name for book in books] == ["book", "book-2", "book-3"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_name_is_safe_as_a_file_name(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    [book] = read(written(tmp_path / unicodedata.normalize(form, "Émile: ou, de l’éducation.txt")))
    assert book.name == "Émile-ou-de-l-éducation"


@pytest.mark.parametrize("name", ["log.txt.txt", "provenance.json.txt", "summary.csv.txt", "a.b.c.txt"])
def test_name_has_no_dot_and_so_is_no_file_of_a_run(tmp_path: Path, name: str) -> None:
    [book] = read(written(tmp_path / name))
    assert book.name == name.removesuffix(".txt").replace(".", "-")


@pytest.mark.parametrize("letter", ["a", "é", "書", "🐟"])
def test_long_name_is_cut_to_what_a_file_system_takes(tmp_path: Path, letter: str) -> None:
    stem = letter * (240 // len(letter.encode()))
    [book] = read(written(tmp_path / f"{stem}.txt"))
    assert stem.startswith(book.name) or book.name == "book"
    assert len(book.name.encode()) <= 120


def test_long_names_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    books = read(*[written(tmp_path / f"{'a' * 200}{end}.txt") for end in "xyz"])
    assert [book.name for book in books] == ["a" * 120, f"{'a' * 120}-2", f"{'a' * 120}-3"]


@pytest.mark.parametrize(("one", "other"), [("Book", "book"), ("STRASSE", "straße"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_are_one_on_a_mac_are_told_apart(tmp_path: Path, one: str, other: str) -> None:
    books = read(*[written(tmp_path / place / f"{name}.txt") for place, name in (("x", one), ("y", other))])
    assert books[1].name.endswith("-2")


def test_folder_stands_for_texts_in_capitals_too_and_for_no_folder_or_hidden_file(tmp_path: Path) -> None:
    for name in ("a.TXT", "b.Txt", ".c.txt", "d.txt/e.md"):
        written(tmp_path / name)
    assert [book.name for book in read(str(tmp_path))] == ["a", "b"]


def test_empty_list_is_refused() -> None:
    with pytest.raises(BookError, match="empty list"):
        read()


def test_controls_come_after_the_books_in_a_role_of_their_own(tmp_path: Path) -> None:
    for name in ("seen/a.txt", "unseen/c.txt", "unseen/b.txt"):
        written(tmp_path / name, name.encode())
    books = read(str(tmp_path / "seen"), controls=(str(tmp_path / "unseen"),))
    assert [(book.name, book.role) for book in books] == [("a", "book"), ("b", "control"), ("c", "control")]


def test_control_of_the_same_name_is_told_apart(tmp_path: Path) -> None:
    book, control = read(written(tmp_path / "a.txt"), controls=(written(tmp_path / "other" / "a.txt", b"Unseen."),))
    assert (book.name, control.name) == ("a", "a-2")


def test_control_that_is_a_book_is_refused(tmp_path: Path) -> None:
    """By the text that is measured, whatever the file."""
    book = written(tmp_path / "a.txt", b"Seen.")
    controls = [written(tmp_path / "same.txt", b"\xef\xbb\xbfSeen."), written(tmp_path / "other.txt", b"Unseen.")]
    books, refused = read_books_from([book], controls, PLAIN)
    assert [(one.name, one.role) for one in books] == [("a", "book"), ("other", "control")]
    assert [(one.role, one.why) for one in refused] == [
        ("control", f"{controls[0]} must be another text than the books, found that of {book}: name another control")
    ]


def test_each_book_is_read_with_its_own_chapters(tmp_path: Path) -> None:
    prose = "So it went on. " * 50
    chaptered = f"Chapter 1\n{prose}\nChapter 2\n{prose}".encode()
    one, other = read(written(tmp_path / "a.txt", chaptered), written(tmp_path / "b.txt", prose.encode()))
    assert [chapter.title for chapter in one.chapters] == ["Chapter 1", "Chapter 2"]
    assert [one.text[chapter.start :][:9] for chapter in one.chapters] == ["Chapter 1", "Chapter 2"]
    assert other.chapters == ()


def test_book_without_the_part_is_refused_before_anything_costs_time_and_the_others_are_not(tmp_path: Path) -> None:
    prose = "So it went on. " * 50
    chaptered = f"Chapter 1\n{prose}\nChapter 2\n{prose}".encode()
    whole, short = written(tmp_path / "b.txt", chaptered), written(tmp_path / "a.txt", prose.encode())
    books, refused = read_books_from([whole, short], [written(tmp_path / "c.txt", b"Some text.")], PLAIN, "2")
    assert [book.name for book in books] == ["b", "c"]
    assert [(book.source, book.role) for book in refused] == [(short, "book")]
    assert "found that the book has no chapters" in refused[0].why
    with pytest.raises(BookError, match=r"must have chapter 3, .* found that the book has 2 chapters"):
        read_books_from([whole], [], PLAIN, "3")


def test_books_come_in_the_order_given_and_those_of_folders_and_globs_sorted_within(tmp_path: Path) -> None:
    for name in ("z/b.txt", "z/a.txt", "y.txt", "x/d.txt", "x/c.txt"):
        written(tmp_path / name)
    books = read(str(tmp_path / "z"), str(tmp_path / "y.txt"), str(tmp_path / "x" / "*.txt"))
    assert [book.name for book in books] == ["a", "b", "y", "c", "d"]
