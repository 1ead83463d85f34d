"""Which characters and words of a book are covered, and why some cannot be measured."""

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

    def keep(self, characters: np.ndarray) -> "Words":
        """The words that lie wholly in `characters`, bool [C]."""
        kept = self.lie_in(characters)
        return Words(start=self.start[kept], stop=self.stop[kept])

    def lie_in(self, characters: np.ndarray) -> np.ndarray:
        """bool [words]: whether each word lies wholly in `characters`, bool [C]."""
        sums = np.concatenate([[0], np.cumsum(characters)])
        return sums[self.stop] - sums[self.start] == self.stop - self.start


def get_code_points(text: str) -> np.ndarray:
    """uint32 [C]: the code points of `text`."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def find_white_space(text: str) -> np.ndarray:
    """bool [C]: whether each character is white space."""
    return np.isin(get_code_points(text), [ord(character) for character in set(text) if character.isspace()])


def find_words(text: str) -> Words:
    """The words of `text`."""
    edges = np.diff(~find_white_space(text), prepend=False, append=False)
    positions = np.flatnonzero(edges)
    return Words(start=positions[::2], stop=positions[1::2])


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotMeasurable:
    """The selected characters that no window of the book covers, counted by reason."""

    first_prompt: Characters
    """Before the first suffix: they are only ever part of a prompt."""
    short_slices: Characters
    """Where slices inside the book have too few tokens."""
    between_windows: Characters
    """Between windows, where the stride is longer than what a window covers."""
    tail: Characters
    """After the last window, where the rest of the book has too few tokens."""


def find_covered(characters: int, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """bool [C]: whether each of `characters` lies in one of the spans [start, stop)."""
    edges = np.zeros(characters + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, stops, -1)
    return np.cumsum(edges)[:-1] > 0


def count_not_measurable(missing: np.ndarray, windows: Windows, first: np.ndarray, *, stride: int) -> NotMeasurable:
    """The characters that no window covers, counted by reason.

    Args:
        missing: bool [C], the characters to count.
        windows: all windows of the book, measured or not.
        first: int [W], the first character that each window covers.
        stride: characters from cursor to cursor.
    """
    positions = np.flatnonzero(missing)
    if not len(windows):
        return NotMeasurable(first_prompt=0, short_slices=0, between_windows=0, tail=len(positions))
    leading, tail = positions < first.min(), positions >= windows.stop.max()
    short = leading & (positions < windows.start[0]) & (windows.cursor[0] > 0)
    # The windows on both sides of a gap are one stride apart, unless slices between them were short.
    before = np.searchsorted(np.maximum.accumulate(first), positions, side="right") - 1
    steps = np.append(np.diff(windows.cursor), stride)
    short |= ~leading & ~tail & (steps[before] != stride)
    return NotMeasurable(
        first_prompt=int((leading & ~short).sum()),
        short_slices=int(short.sum()),
        between_windows=int((~leading & ~short & ~tail).sum()),
        tail=int(tail.sum()),
    )
