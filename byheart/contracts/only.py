"""The part of a book that the setting `only` names: chapters, as `3,5-7`, or characters, as `10000:30000`."""

import dataclasses
import re
from typing import Any

from byheart.contracts.books import CONTROL, Book
from byheart.contracts.errors import BookError
from byheart.contracts.parameters import refuse

_CHAPTERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_CHARACTERS = re.compile(r"([0-9]{0,9}):([0-9]{0,9})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """A half-open stretch: of characters, or of windows by number."""

    start: int
    """The first of them."""
    stop: int
    """The one after the last."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Only:
    """The setting, read."""

    chapters: tuple[tuple[int, int], ...] = ()
    """The first and the last of each run of chapters, from 1."""
    characters: tuple[tuple[int, int | None], ...] = ()
    """The first of each stretch, and the one after its last; None is the book's end."""


def as_text(value: Any) -> Any:
    """The setting as a text where YAML or JSON has made a number of it: `only=3` is chapter 3."""
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return str(int(value)) if whole else value


def read_only(only: str) -> Only:
    """What `only` names; neither chapters nor characters where it is empty.

    Raises:
        SettingsError: it is written in another way, or a range is empty.
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


def asked_characters(book: Book, only: str) -> tuple[Span, ...]:
    """The characters of a book that `only` asks for, in order, stretches that touch as one; all where it is empty.

    A control is asked for whole: it has other chapters. Chapters are counted from 1; each begins with its heading, and
    what stands before the first belongs to none.

    Raises:
        BookError: the book has no such chapter, or ends before a range begins.
        SettingsError: `only` cannot be read.
    """
    asked, length = read_only(only), len(book.text)
    if book.role == CONTROL or not (asked.chapters or asked.characters):
        return (Span(start=0, stop=length),)
    edges = [*(chapter.start for chapter in book.chapters), length]
    count = len(book.chapters)
    if last := max((last for _, last in asked.chapters if last > count), default=0):
        hint = "choose one of them" if count else "ask for characters, as 0:30000, or set chapters to what heads one"
        raise BookError(
            f"{book.source} must have chapter {last:,}, which only={only} asks for, found that the book has "
            f"{count or 'no'} chapter{'s' * (count != 1)}: {hint}"
        )
    if first := max((start for start, _ in asked.characters if start >= length), default=0):
        raise BookError(
            f"{book.source} must reach character {first:,}, which only={only} asks for, found that the book has "
            f"{length:,} characters: choose a range inside"
        )
    stretches = [(edges[first - 1], edges[last]) for first, last in asked.chapters]
    stretches += [(start, length if stop is None else min(stop, length)) for start, stop in asked.characters]
    return _joined(stretches)


def _joined(stretches: list[tuple[int, int]]) -> tuple[Span, ...]:
    """The stretches in order, those that overlap or touch as one."""
    joined: list[Span] = []
    for start, stop in sorted(stretches):
        if joined and start <= joined[-1].stop:
            joined[-1] = Span(start=joined[-1].start, stop=max(joined[-1].stop, stop))
        else:
            joined.append(Span(start=start, stop=stop))
    return tuple(joined)
