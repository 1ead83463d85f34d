"""The texts of finished results: from text.txt, or, where the results hold none, from files that are given."""

from collections.abc import Sequence

from byheart.components.download.books import read_books_from
from byheart.components.download.chapters import find_chapters
from byheart.components.download.text_report import report_on
from byheart.contracts.books import Book, Chapter
from byheart.contracts.setting_groups import FULL
from byheart.measures.results import BookResults, Results


def read_texts(results: Results, given: Sequence[str]) -> dict[str, str]:
    """The texts by the book's name, as far as they are there; each has the hash that provenance.json says.

    Args:
        given: files with texts that the results do not hold.

    Raises:
        BookError: a given file cannot be read.
        DamagedError: a text.txt has another hash.
    """
    settings = results.provenance.settings
    by_hash = {}
    if given:
        read, _ = read_books_from(given, [], settings.text)
        by_hash = {book.sha256: book.text for book in read}
    texts = {}
    for book in results.books:
        text = book.read_text() if settings.report.report_text == FULL else by_hash.get(book.book.sha256)
        if text is not None:
            texts[book.book.name] = text
    return texts


def list_text_differences(results: Results, texts: dict[str, str]) -> list[str]:
    """How texts differ from what provenance.json and chapters.json say of them."""
    differences, settings = [], results.provenance.settings
    for item in results.books:
        book = item.book
        if book.name not in texts:
            continue
        text = texts[book.name]
        if len(text) != book.characters:
            differences.append(f"{book.name} has {len(text):,} characters instead of {book.characters:,}")
        if book.report and report_on(text) != book.report:
            differences.append(f"provenance.json, {book.name}: its report is not of this text")
        rule = (book.origin and book.origin.chapters) or settings.text.chapters
        starts = [chapter.start for chapter in find_chapters(text, rule)]
        if book.chapters != len(starts):
            differences.append(f"provenance.json, {book.name}: {book.chapters:,} chapters instead of {len(starts):,}")
        if [chapter.start for chapter in item.read_chapters()] != starts:
            differences.append(f"{book.name}/chapters.json has other chapters than the text")
    return differences


def make_book(results: BookResults, text: str) -> Book:
    """The book that was measured."""
    book = results.book
    return Book(
        name=book.name,
        source=book.source,
        text=text,
        role=book.role,
        title=book.title,
        chapters=tuple(Chapter(title=chapter.title, start=chapter.start) for chapter in results.read_chapters()),
        origin=book.origin,
        report=book.report,
    )
