from pathlib import Path

import pytest

from components.contracts.books import CONTROL, Book, Chapter, read_books, write_books
from components.contracts.errors import DamagedError

TEXT = "Länder\r\nsaid “now”\rand\n\n日本\U0001f9fc\n"


def test_text_is_read_back_with_its_newlines(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name="one", source="somewhere/one.txt", text=TEXT)])
    assert read_books(tmp_path) == [Book(name="one", source="somewhere/one.txt", text=TEXT)]


def test_roles_and_chapters_are_read_back(tmp_path: Path) -> None:
    chapters = (Chapter(title="“Länder”", start=0), Chapter(title="日本", start=23))
    books = [
        Book(name="one", source="one.txt", text=TEXT, chapters=chapters),
        Book(name="two", source="two.txt", text=TEXT, role=CONTROL),
    ]
    write_books(tmp_path, books)
    assert read_books(tmp_path) == books


def test_text_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name="one", source="one.txt", text=TEXT)])
    (tmp_path / "one.txt").write_text("another", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"one\.txt"):
        read_books(tmp_path)
