"""The equal middle stretches by which a book is compared with its controls.

A longer text has more chances of a probable window, and the ends of a text (title pages, licences, indexes) are unlike
its middle. So the book and its controls are each represented by equally many windows from the middle:

    book      ..........[..............]..........
    control 1        ...[..............]...
    control 2           [..............]              the text with the fewest windows is taken whole
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.character_map import CharacterMap, map_characters
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.measured import MeasuredBook
from byheart.measures.uncertainty import select_non_overlapping


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """A book or a control with its measured windows, in the order of their cursors."""

    name: str
    text: str
    number: np.ndarray
    """int64 [W]: the number of each window among all windows of the text."""
    start: np.ndarray
    """int64 [W]: the first character of each prompt."""
    suffix_start: np.ndarray
    """int64 [W]"""
    stop: np.ndarray
    """int64 [W]"""
    log_p_z: np.ndarray
    """float64 [W]: temperature 1, whole vocabulary."""
    repetitive: np.ndarray
    """bool [W]: whether the window is left out; this depends on the text alone, never on a score."""
    book_overlap: np.ndarray
    """float32 [W]: as in `Repetition`."""
    is_spread: bool = False
    """Whether only some of the windows were measured, evenly spread."""

    def __len__(self) -> int:
        return len(self.log_p_z)

    @classmethod
    def from_measured(cls, measured: MeasuredBook) -> "Document":
        """The measured windows of a book."""
        return cls(
            name=measured.book.name,
            text=measured.book.text,
            number=measured.selection.numbers(),
            start=measured.windows.start,
            suffix_start=measured.windows.suffix_start,
            stop=measured.windows.stop,
            log_p_z=measured.schemes.plain.log_p_z,
            repetitive=measured.repetition.repetitive,
            book_overlap=measured.repetition.book_overlap,
            is_spread=measured.selection.is_spread,
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """Consecutive windows of a document, without those that are repetitive, and the map of their suffixes."""

    document: Document
    first: int
    """The index of its first window."""
    count: int
    """How many windows it has, repetitive ones too."""

    @functools.cached_property
    def kept(self) -> np.ndarray:
        """int64 [n]: the indices, in the document, of the windows that are not repetitive."""
        window = slice(self.first, self.first + self.count)
        return self.first + np.flatnonzero(~self.document.repetitive[window])

    @functools.cached_property
    def non_overlapping(self) -> int:
        """How many of the windows that are kept share no characters, prompts included."""
        return len(select_non_overlapping(self.document.start[self.kept], self.document.stop[self.kept]))

    @functools.cached_property
    def log_p_z(self) -> np.ndarray:
        """float64 [n]: of the windows that are kept."""
        return self.document.log_p_z[self.kept]

    @functools.cached_property
    def span(self) -> tuple[int, int]:
        """The characters from its first suffix to its last, half-open."""
        if not self.count:
            return 0, 0
        window = slice(self.first, self.first + self.count)
        return int(self.document.suffix_start[window].min()), int(self.document.stop[window].max())

    @functools.cached_property
    def character_map(self) -> CharacterMap:
        """The map of the characters of `span`, made of the windows that are kept; its indices count them."""
        start, stop = self.span
        document, kept = self.document, self.kept
        return map_characters(
            stop - start, document.suffix_start[kept] - start, document.stop[kept] - start, self.log_p_z
        )

    @functools.cached_property
    def ranked_windows(self) -> np.ndarray:
        """float64 [n]: `log_p_z`, the largest first."""
        return np.sort(self.log_p_z)[::-1]

    @functools.cached_property
    def ranked_characters(self) -> np.ndarray:
        """float64 [m]: the values of the m measurable characters, the largest first."""
        return np.sort(self.character_map.log_p_z[self.character_map.measurable])[::-1]

    @functools.cached_property
    def longest(self) -> int:
        """The characters of the longest passage at p_z >= 0.5."""
        return self.character_map.find_longest(math.log(HEADLINE_THRESHOLD))

    @functools.cached_property
    def bits_per_character(self) -> float | None:
        """Bits over characters, each summed over all windows that are kept; None without characters."""
        characters = int((self.document.stop - self.document.suffix_start)[self.kept].sum())
        return float(-self.log_p_z.sum() / math.log(2) / characters) if characters else None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The stretches of a book and of its K controls, equally many windows of each."""

    book: Stretch
    controls: tuple[Stretch, ...]

    @property
    def all(self) -> tuple[Stretch, ...]:
        """All K + 1 stretches, the book's first."""
        return (self.book, *self.controls)

    @property
    def is_spread(self) -> bool:
        """Whether only some windows of a text were measured, evenly spread."""
        return any(stretch.document.is_spread for stretch in self.all)


def compare(book: Document, controls: Sequence[Document]) -> Comparison:
    """The middle N0 windows of each text, where N0 is the number of windows of the text that has the fewest."""
    count = min(map(len, (book, *controls)))
    return Comparison(book=cut(book, count), controls=_cut_all(tuple(controls), count))


def cut(document: Document, count: int) -> Stretch:
    """The middle `count` windows, from floor((N - count) / 2)."""
    return Stretch(document=document, first=(len(document) - count) // 2, count=count)


@functools.lru_cache(
    maxsize=1
)  # the books of a run are mostly longer than a control, so the controls' cuts are the same
def _cut_all(documents: tuple[Document, ...], count: int) -> tuple[Stretch, ...]:
    return tuple(cut(document, count) for document in documents)


def count_above(ranked: np.ndarray, log_p_z: float) -> int:
    """How many values, sorted from the largest, lie strictly above a threshold."""
    return int(len(ranked) - np.searchsorted(ranked[::-1], log_p_z, side="right"))
