"""Blocks of a book that are treated as independent, and the stretches of known text, which say how long blocks are.

Windows ten characters apart share almost all their text, and what a model knows comes in stretches: a window that is
known has known neighbours. So blocks are as long as two stretches at least.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.only import Span

LEAST_CHARACTERS = 10_000
"""The length of a block where all stretches are short."""
_GAP_CHARACTERS = 1_000
"""A gap that ends a stretch: a model that knows a chapter by heart still stumbles over some words of it."""


class Suffixes(Protocol):
    """The suffixes of W windows, in the order of their cursors."""

    @property
    def suffix_start(self) -> np.ndarray:
        """int64 [W]: where each suffix begins."""

    @property
    def stop(self) -> np.ndarray:
        """int64 [W]: where each suffix stops."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blocks:
    """The selected characters of a book, cut into blocks that are treated as independent."""

    starts: np.ndarray
    """int [B], ascending: where each block begins; the first is 0 if the whole book is selected."""
    unit: str
    """What a block is, in words."""
    least_characters: int
    """The length that a run of characters, or the median chapter, has at least; a shorter text is a block by itself."""

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, positions: np.ndarray) -> np.ndarray:
        """int: the block of each character position. It is meaningless where the character is not selected."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def find_stretches(hits: np.ndarray, windows: Suffixes, selected: Sequence[Span]) -> np.ndarray:
    """int64: the lengths, in characters, of the stretches that the suffixes of hits make.

    Two hits belong to one stretch if fewer than 1,000 characters lie between them, or no measured window does, as where
    only some windows are measured. A stretch ends where the selected characters end.

    Args:
        hits: bool [W].
        selected: the selected stretches of characters, in order.
    """
    (which,) = np.nonzero(hits)
    if not len(which):
        return np.zeros(0, np.int64)
    starts, stops = windows.suffix_start[which], np.maximum.accumulate(windows.stop[which])
    part = np.searchsorted([span.start for span in selected], starts, side="right")
    breaks = (np.diff(which) > 1) & (starts[1:] - stops[:-1] >= _GAP_CHARACTERS) | (np.diff(part) > 0)
    first = np.flatnonzero(np.append(True, breaks))
    return stops[np.append(first[1:] - 1, len(which) - 1)] - starts[first]


def choose_block_length(stretches: np.ndarray) -> int:
    """The characters of a block: twice the mean length of the stretches, each weighted by its length.

    So it is the length of the stretch in which a known character lies, on average, that counts.
    """
    return max(LEAST_CHARACTERS, math.ceil(2 * (stretches**2).sum() / max(stretches.sum(), 1)))


def cut_blocks(book: Book, selected: Sequence[Span], least_characters: int) -> Blocks:
    """The chapters of a book if their median is long enough, else as many equal runs of characters as are long enough.

    The first block begins with the text before the first chapter. Only chapters that contain selected characters count,
    and only selected characters are counted.

    Args:
        selected: the selected stretches of characters, in order.
    """
    return cut_characters(len(book.text), [chapter.start for chapter in book.chapters], selected, least_characters)


def cut_characters(characters: int, chapters: Sequence[int], selected: Sequence[Span], least_characters: int) -> Blocks:
    """The blocks of a book of which only the length and the chapters are known; `cut_blocks` says what they are.

    Args:
        chapters: where each chapter begins.
    """
    starts, stops = np.array([span.start for span in selected]), np.array([span.stop for span in selected])
    edges = np.array([0, *chapters[1:], characters])
    lengths = np.array(
        [
            (np.minimum(stops, stop) - np.maximum(starts, start)).clip(0).sum()
            for start, stop in itertools.pairwise(edges)
        ]
    )
    has_selected = lengths > 0
    if has_selected.sum() > 1 and np.median(lengths[has_selected]) >= least_characters:
        return Blocks(starts=edges[:-1][has_selected], unit="chapters", least_characters=least_characters)
    total = int(lengths.sum())
    count = max(total // least_characters, 1)
    firsts = np.arange(count) * total // count  # counted in selected characters
    before = np.cumsum(stops - starts) - (stops - starts)
    span = np.searchsorted(before, firsts, side="right") - 1
    return Blocks(
        starts=starts[span] + firsts - before[span],
        unit=f"runs of {total // count:,} characters",
        least_characters=least_characters,
    )
