"""Which windows of a book were measured, in words."""

from byheart.contracts.books import CONTROL
from byheart.contracts.setting_groups import SelectionSettings
from byheart.measures.provenance import BookDescription

_NAMED = 3
"""How many stretches of characters the clause names."""


def describe_selection(book: BookDescription, settings: SelectionSettings) -> str:
    """A clause that says which windows of a book were measured; empty if all were.

    For example: only 290 of the book's 4,025 windows were measured: those in characters 9,120 to 12,400 (chapter 3)
    """
    selection, only = book.selection, "" if book.role == CONTROL else settings.only
    if selection.count == selection.of:
        return ""
    spans = [f"{span.start:,} to {span.stop:,}" for span in selection.characters]
    rest = f" and {len(spans) - _NAMED:,} more stretches" if len(spans) > _NAMED else ""
    chapters = f" (chapter{'s' * (not only.isdecimal())} {only.replace(',', ', ')})" if only and ":" not in only else ""
    where = f"characters {' and '.join(spans[:_NAMED])}{rest}{chapters}" if only else ""
    if selection.is_spread:
        how = f", evenly spread{' over ' * bool(where)}{where}; passages end between them"
    else:
        how = f": those in {where}"
    were = "was" if selection.count == 1 else "were"
    return f"only {selection.count:,} of the book's {selection.of:,} windows {were} measured{how}"
