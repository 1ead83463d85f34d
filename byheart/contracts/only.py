"""Reads the setting `only`, which names a part of a book: chapters, as `3,5-7`, or characters, as `10000:30000`."""

import dataclasses
import re

from byheart.contracts.books import CONTROL, Book
from byheart.contracts.errors import BookError
from byheart.contracts.parameters import refuse

_CHAPTERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_CHARACTERS = re.compile(r"([0-9]{0,9}):([0-9]{0,9})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """A half-open range of characters, or of windows by number."""

    start: int
    """The first character or window."""
    stop: int
    """The character or window after the last."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Only:
    """The parsed setting: chapters, or characters, or neither for the whole book."""

    chapters: tuple[tuple[int, int], ...] = ()
    """The first and the last chapter of each range, from 1."""
    characters: tuple[tuple[int, int | None], ...] = ()
    """The first character of each range, and the character after its last; None for the end of the book."""


def parse_only(only: str) -> Only:
    """The chapters or characters that `only` names; neither if it is empty.

    Raises:
        SettingsError: it cannot be read, or a range is empty.
    """
    words = [word.strip() for word in only.split(",")] if only.strip() else []
    chapters = [_CHAPTERS.fullmatch(word) for word in words]
    characters = [_CHARACTERS.fullmatch(word) for word in words]
    if not all(chapter or stretch for chapter, stretch in zip(chapters, characters, strict=True)):
        refuse("only", "name chapters, as 3,5-7, or characters, as 10000:30000", repr(only), "write it so")
    if any(chapters) and any(characters):
        refuse("only", "name chapters or characters", f"both in {only!r}", "choose one of the two")
    numbers = tuple((int(match[1]), int(match[2] or match[1])) for match in chapters if match)
    stretches = tuple((int(match[1] or 0), int(match[2]) if match[2] else None) for match in characters if match)
    if any(first < 1 for first, _ in numbers):
        hint = "ask for what stands before the first by its characters, as :5000"
        refuse("only", "count chapters from 1", repr(only), hint)
    backwards = [first > last for first, last in numbers]
    backwards += [start >= stop for start, stop in stretches if stop is not None]
    if any(backwards):
        refuse("only", "name ranges that hold something", repr(only), "put the smaller number first")
    return Only(chapters=numbers, characters=stretches)


def select_characters(book: Book, only: str) -> tuple[Span, ...]:
    """The characters of a book that `only` asks for, as spans in order, merged where they touch; all if it is empty.

    `only` does not apply to a control, which has other chapters: all of it is measured. Chapters are counted from 1;
    each begins with its heading, and the text before the first heading belongs to no chapter.

    Raises:
        BookError: the book does not have such a chapter, or ends before a range begins.
        SettingsError: `only` cannot be read.
    """
    parsed, length = parse_only(only), len(book.text)
    if book.role == CONTROL or not (parsed.chapters or parsed.characters):
        return (Span(start=0, stop=length),)
    edges = [*(chapter.start for chapter in book.chapters), length]
    count = len(book.chapters)
    if last := max((last for _, last in parsed.chapters if last > count), default=0):
        hint = "choose one of them" if count else "ask for characters, as 0:30000, or set chapters to what heads one"
        raise BookError(
            f"{book.source} must have chapter {last:,}, which only={only} asks for, found that the book has "
            f"{count or 'no'} chapter{'s' * (count != 1)}: {hint}"
        )
    if first := max((start for start, _ in parsed.characters if start >= length), default=0):
        raise BookError(
            f"{book.source} must reach character {first:,}, which only={only} asks for, found that the book has "
            f"{length:,} characters: choose a range inside"
        )
    stretches = [(edges[first - 1], edges[last]) for first, last in parsed.chapters]
    stretches += [(start, length if stop is None else min(stop, length)) for start, stop in parsed.characters]
    return _merge(stretches)


def _merge(stretches: list[tuple[int, int]]) -> tuple[Span, ...]:
    """The ranges as spans in order, merged where they overlap or touch."""
    merged: list[Span] = []
    for start, stop in sorted(stretches):
        if merged and start <= merged[-1].stop:
            merged[-1] = Span(start=merged[-1].start, stop=max(merged[-1].stop, stop))
        else:
            merged.append(Span(start=start, stop=stop))
    return tuple(merged)
