from pathlib import Path

import pytest

from components.contracts.books import Book, read_books, write_books
from components.contracts.errors import DamagedError

TEXT = "Länder\r\nsaid “now”\rand\n\n日本\U0001f9fc\n"


def test_text_is_read_back_with_its_newlines(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name="one", source="somewhere/one.txt", text=TEXT)])
    assert read_books(tmp_path) == [Book(name="one", source="somewhere/one.txt", text=TEXT)]


def test_text_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_books(tmp_path, [Book(name="one", source="one.txt", text=TEXT)])
    (tmp_path / "one.txt").write_text("another", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"one\.txt"):
        read_books(tmp_path)
