"""Whether controls can be controls: other texts than the books, and long enough to compare with them."""

from collections.abc import Sequence

from byheart.components.download.shared_text import measure_shared
from byheart.contracts.books import BOOK, CONTROL, Book, Refused

_LEAST_SHARE = 0.01
"""A control that shares less of its text with a book quotes it, or what it quotes."""
_SHORT = 0.5
"""A control of less than this share of the longest book is short."""
_NAMED = 3


def refuse_books_as_controls(books: Sequence[Book]) -> list[Book | Refused]:
    """The books in their order, with a refusal in place of each control whose text is that of a book."""
    sources = {book.sha256: book.source for book in reversed(books) if book.role == BOOK}
    return [
        Refused(
            source=book.source,
            role=CONTROL,
            why=f"{book.source} must be another text than the books, found that of {sources[book.sha256]}: name "
            "another control",
        )
        if book.role == CONTROL and book.sha256 in sources
        else book
        for book in books
    ]


def list_control_notices(books: Sequence[Book]) -> list[str]:
    """At most 9 lines: that there are no controls, or on those that are no texts of their own, and on short ones."""
    controls = [book for book in books if book.role == CONTROL]
    measured = [book for book in books if book.role == BOOK]
    if not controls:
        return ["no controls: nothing will say how the model scores texts that it cannot have seen; name some"]
    return [
        *_describe_equal(controls),
        *_describe_shared(controls, measured),
        *_describe_short(controls, measured),
    ]


def _describe_equal(controls: Sequence[Book]) -> list[str]:
    first = {control.sha256: control.name for control in reversed(controls)}
    return _shorten(
        [
            f"control {control.name} is the same text as {first[control.sha256]}, and counts twice: leave one out"
            for control in controls
            if first[control.sha256] != control.name
        ]
    )


def _describe_shared(controls: Sequence[Book], books: Sequence[Book]) -> list[str]:
    shares = measure_shared([control.text for control in controls], [book.text for book in books])
    largest = zip(controls, shares.max(axis=1).tolist(), shares.argmax(axis=1).tolist(), strict=True)
    lines = [
        f"control {control.name}: {share:.0%} of it stands word for word in {books[number].name}: name another control"
        for control, share, number in sorted(largest, key=lambda row: -row[1])
        if share >= _LEAST_SHARE
    ]
    return _shorten(lines)


def _shorten(lines: list[str]) -> list[str]:
    return [*lines[:_NAMED], *([f"and {len(lines) - _NAMED:,} more controls"] if lines[_NAMED:] else [])]


def _describe_short(controls: Sequence[Book], books: Sequence[Book]) -> list[str]:
    longest = max(books, key=lambda book: len(book.text))
    short = sorted((len(control.text), control.name) for control in controls)
    short = [(length, name) for length, name in short if length < _SHORT * len(longest.text)]
    if not short:
        return []
    names = ", ".join(f"{name} ({length:,})" for length, name in short[:_NAMED])
    rest = f" and {len(short) - _NAMED:,} more" if short[_NAMED:] else ""
    return [
        f"controls of less than half the characters of {longest.name} ({len(longest.text):,}): {names}{rest}: a short "
        "text has fewer windows, and so a lower best one; name longer ones"
    ]
