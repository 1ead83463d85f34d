"""A plan counts the books that a run would bring, and no others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from byheart.components.download.books import read_books_from
from byheart.contracts.books import Refused
from byheart.contracts.errors import BookError
from byheart.contracts.setting_groups import TextSettings
from byheart.desk.books import count_characters
from tests.gcs import GcsServer
from tests.gcs.objects import ANY, Content
from tests.store.conftest import server as server

NAMES = [
    "loose.txt", "novels/a.txt", "novels/b.TXT", "novels/notes.md", "novels/.hidden.txt", "novels/old/c.txt",
    "novels-more/e.txt", "odd/[x].txt", "deep/one/two/f.txt", "empty/none.txt",
]  # fmt: skip
SOURCES = [
    "novels/a.txt", "novels", "novels/", "novels/*", "novels/notes.md", "novels/*.txt", "novels/**/*.txt", "**/*.txt",
    "novels*/[ae].txt", "odd/[x].txt", "nov", "deep", "empty", "empty/none.txt", "gone.txt", "*.pdf",
]  # fmt: skip
TEXT = TextSettings(chapters="none", encoding="utf-8", gutenberg="keep", unwrap=False, on_bad_book="fail")


@pytest.fixture(params=["local", "gs"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Books of different lengths, here and in a bucket."""
    texts = {name: b"" if "empty" in name else b"x" * (10 + number) for number, name in enumerate(NAMES)}
    if request.param == "local":
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(text)
        return str(tmp_path)
    server: GcsServer = request.getfixturevalue("server")
    for name, text in texts.items():
        server.storage.put("shelf", name, Content.of(text), {}, ANY)
    return "gs://shelf"


Counted = tuple[list[int], list[Refused]]


def or_refusal(count: Callable[[list[str]], Counted], source: str) -> Counted | str:
    try:
        return count([source])
    except BookError as error:
        return str(error)


def counted_by_a_run(sources: list[str]) -> Counted:
    books, refused = read_books_from(sources, [], TEXT)
    return [len(book.text) for book in books], refused


@pytest.mark.parametrize("source", SOURCES)
def test_source_is_counted_as_a_run_brings_it(shelf: str, source: str) -> None:
    planned = or_refusal(lambda sources: count_characters(sources, TEXT), f"{shelf}/{source}")
    assert planned == or_refusal(counted_by_a_run, f"{shelf}/{source}")


def test_book_that_cannot_be_counted_is_named_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Some text.")
    (tmp_path / "b.txt").write_bytes("Émile".encode("latin-1"))
    lengths, refused = count_characters([str(tmp_path), "https://a.org/c.txt"], TEXT)
    assert lengths == [10]
    assert [book.source for book in refused] == [f"{tmp_path}/b.txt", "https://a.org/c.txt"]
    assert "byte 0xc9 at offset 0" in refused[0].why
    assert "a plan counts local books and those at gs://" in refused[1].why
    assert count_characters([str(tmp_path)], replace(TEXT, encoding="latin-1")) == ([10, 5], [])


def test_list_is_counted_book_by_book(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Some text.")
    (tmp_path / "list").write_text("a.txt\na.txt title='Again'\n")
    assert count_characters([f"@{tmp_path}/list"], TEXT) == ([10, 10], [])
    assert count_characters([], TEXT) == ([], [])
