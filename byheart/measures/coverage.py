"""Which characters and words of a book are covered, which cannot be measured, and why."""

import dataclasses

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.units import Characters


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """The words of a text: maximal runs of characters that are not white space, as half-open spans."""

    start: np.ndarray
    stop: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def within(self, characters: np.ndarray) -> "Words":
        """The words of which `characters` (bool [C]) holds for every character."""
        kept = self.whole(characters)
        return Words(start=self.start[kept], stop=self.stop[kept])

    def whole(self, characters: np.ndarray) -> np.ndarray:
        """bool [words]: whether `characters` (bool [C]) holds for every character of each word."""
        sums = np.concatenate([[0], np.cumsum(characters)])
        return sums[self.stop] - sums[self.start] == self.stop - self.start


def code_points(text: str) -> np.ndarray:
    """uint32 [C]: the characters of `text` as numbers."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def white_space(text: str) -> np.ndarray:
    """bool [C]: whether each character is white space."""
    return np.isin(code_points(text), [ord(character) for character in set(text) if character.isspace()])


def words(text: str) -> Words:
    """The words of `text`."""
    edges = np.diff(~white_space(text), prepend=False, append=False)
    found = np.flatnonzero(edges)
    return Words(start=found[::2], stop=found[1::2])


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotMeasurable:
    """How many of the characters asked for no window of the book covers, by the reason."""

    first_prompt: Characters
    """Before the first suffix: always a prompt, never asked for."""
    short_slices: Characters
    """Where slices inside the book had too few tokens."""
    between_windows: Characters
    """Between windows, where the stride is longer than what they cover."""
    tail: Characters
    """After the last window: the rest of the book has too few tokens."""


def covered_by_any(characters: int, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """bool [C]: whether each of `characters` lies in one of the spans [start, stop)."""
    edges = np.zeros(characters + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, stops, -1)
    return np.cumsum(edges)[:-1] > 0


def not_measurable(missing: np.ndarray, windows: Windows, first: np.ndarray, *, stride: int) -> NotMeasurable:
    """How many characters no window covers, by the reason.

    Args:
        missing: bool [C], those characters.
        windows: all of the book's, measured or not.
        first: int [W], where each window begins to cover.
        stride: characters from cursor to cursor.
    """
    at = np.flatnonzero(missing)
    if not len(windows):
        return NotMeasurable(first_prompt=0, short_slices=0, between_windows=0, tail=len(at))
    leading, tail = at < first.min(), at >= windows.stop.max()
    short = leading & (at < windows.start[0]) & (windows.cursor[0] > 0)
    # Inside, the windows before and after a gap are a stride apart unless slices between them were short.
    before = np.searchsorted(np.maximum.accumulate(first), at, side="right") - 1
    steps = np.append(np.diff(windows.cursor), stride)
    short |= ~leading & ~tail & (steps[before] != stride)
    return NotMeasurable(
        first_prompt=int((leading & ~short).sum()),
        short_slices=int(short.sum()),
        between_windows=int((~leading & ~short & ~tail).sum()),
        tail=int(tail.sum()),
    )
