from dataclasses import replace
from pathlib import Path

import pytest

from byheart.contracts.books import (
    BOOK,
    CONTROL,
    Book,
    BookList,
    Chapter,
    Origin,
    Refused,
    check_some_left,
    read_book_names,
    read_books,
    read_refused,
    write_books,
)
from byheart.contracts.errors import BookError, DamagedError
from byheart.contracts.text_report import TextReport

TEXT = "Länder\r\nsaid “now”\rand\n\n日本\U0001f9fc\n"


REPORT = TextReport(
    lines=4, crlf=1, lone_cr=1, mixed_line_breaks=True, inner_breaks=2, wrapped_breaks=1, non_nfc=0,
    control_characters=0, byte_order_marks=0, replacement_characters=0, soft_hyphens=0, zero_width=0, private_use=0,
    hard_wrapped=0.5,
)  # fmt: skip


def test_books_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    """With their newlines, and all that is said of them."""
    chapters = (Chapter(title="“Länder”", start=0), Chapter(title="日本", start=23))
    origin = Origin(
        file_bytes=9, file_sha256="a" * 64, encoding="cp1252", gutenberg="cut", cut_front=3, cut_back=0, joined_lines=2,
        listed_in=BookList(source="list.txt", sha256="b" * 64),
    )  # fmt: skip
    books = [
        Book(name="one", source="one.txt", text=TEXT, title="The “One”", origin=origin, report=REPORT),
        Book(name="two", source="two.txt", text=TEXT, chapters=chapters, role=CONTROL),
    ]
    write_books(tmp_path, books)
    assert read_books(tmp_path) == books


def test_what_was_refused_is_read_back_in_its_order(tmp_path: Path) -> None:
    refused = [
        Refused(source="gs://shelf/b.txt", role=CONTROL, why="found none: look for it"),
        Refused(source="a.txt", role=BOOK, why="found “é”: convert it", may_pass=True),
    ]
    write_books(tmp_path, [], refused)
    assert read_refused(tmp_path) == refused
    write_books(tmp_path, [])
    assert read_refused(tmp_path) == []


def test_text_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name="one", source="one.txt", text=TEXT)])
    (tmp_path / "one.txt").write_text("another", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"one\.txt"):
        read_books(tmp_path)


def test_names_are_read_without_the_texts(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name=name, source=f"{name}.txt", text=TEXT) for name in ("one", "two")])
    (tmp_path / "one.txt").unlink()
    assert read_book_names(tmp_path) == ["one", "two"]


def test_manifest_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"books": [{"name": 3}], "refused": []}')
    for read in (read_books, read_book_names):
        with pytest.raises(DamagedError, match=r"manifest\.json must be what an earlier stage wrote"):
            read(tmp_path)


def test_run_without_a_book_may_pass_if_one_of_them_may_be_there_later() -> None:
    gone = Refused(source="gone.txt", role=BOOK, why="gone")
    busy = Refused(source="https://a.org/busy.txt", role=BOOK, why="busy", may_pass=True)
    for refused, may_pass in (([gone], False), ([gone, busy], True), ([gone, replace(busy, role=CONTROL)], False)):
        with pytest.raises(BookError) as caught:
            check_some_left([CONTROL], refused)
        assert (caught.value.parameter, caught.value.may_pass) == ("books", may_pass)
    check_some_left([CONTROL, BOOK], [gone])
