"""Download: check every setting, bring the books, and find the model whole, before anything costs time."""

from typing import Any

from components.contracts.books import BOOK, CONTROL, Book, write_books
from components.contracts.model import write_model
from components.contracts.progress import say
from components.contracts.settings import Settings
from components.download.books import read_books_from
from components.download.model import find_model
from components.store import open_store


def run(
    *,
    books: list[str],
    controls: list[str],
    model: str,
    model_revision: str,
    store: str,
    parameters: dict[str, Any],
    books_out: str,
    model_out: str,
    settings_out: str,
) -> None:
    """Write the books' texts, the model's description and the checked settings.

    Args:
        books, controls: local files and folders; a control is a book that the model cannot have seen.
        model, model_revision: as `find_model` takes them.
        store: where models and scores are kept; checked here.
        parameters: every setting, flat.
        books_out, model_out, settings_out: the artifacts to write.

    Raises:
        ByheartError: a setting, a book or the model cannot be used.
    """
    settings = Settings.from_parameters(parameters)
    place = open_store(store)
    texts = read_books_from(books, controls, settings.text.chapters)
    place.check_writable()
    described = find_model(model, model_revision, store)
    _say_books(texts)
    commit = f" at {described.commit[:12]}" if described.commit else ""
    say(f"model {described.source}{commit}: {described.model_type}, {described.parameters:,} parameters")
    settings.write(settings_out)
    write_model(model_out, described)
    write_books(books_out, texts)


def _say_books(texts: list[Book]) -> None:
    counts = {
        "book": sum(book.role == BOOK for book in texts),
        "control": sum(book.role == CONTROL for book in texts),
        "character": sum(len(book.text) for book in texts),
        "chapter": sum(len(book.chapters) for book in texts),
    }
    say(", ".join(f"{count:,} {unit}{'s' * (count > 1)}" for unit, count in counts.items() if count))
