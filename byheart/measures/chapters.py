"""The chapters of a book, as chapters.json lists them."""

import dataclasses

from byheart.contracts.books import Book
from byheart.measures.units import Position


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedChapter:
    """A chapter: from its heading to the next heading, or to the end of the book."""

    title: str
    """The heading on a single line; empty where report_text is `none`."""
    start: Position
    """The position of its first character."""
    stop: Position
    """The position after its last character."""


def list_chapters(book: Book) -> list[ListedChapter]:
    """The chapters of a book, in text order. The text before the first heading belongs to no chapter."""
    stops = [*(chapter.start for chapter in book.chapters[1:]), len(book.text)]
    return [
        ListedChapter(title=chapter.title, start=chapter.start, stop=stop)
        for chapter, stop in zip(book.chapters, stops, strict=False)
    ]
