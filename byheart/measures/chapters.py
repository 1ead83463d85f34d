"""The chapters of a book, as chapters.json lists them."""

import dataclasses

from byheart.contracts.books import Book
from byheart.measures.units import Position


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedChapter:
    """A chapter: from its heading to the next one's, or to the end."""

    title: str
    """Its heading, in one line; empty where report_text is `none`."""
    start: Position
    """Its first character."""
    stop: Position
    """The character after its last."""


def list_chapters(book: Book) -> list[ListedChapter]:
    """The chapters of a book, in the order of its text; what stands before the first is in none."""
    stops = [*(chapter.start for chapter in book.chapters[1:]), len(book.text)]
    return [
        ListedChapter(title=chapter.title, start=chapter.start, stop=stop)
        for chapter, stop in zip(book.chapters, stops, strict=False)
    ]
