"""Passages: maximal runs of characters that are covered at or above a threshold."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.windows import Windows
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import Measured
from byheart.measures.schemes import Schemes
from byheart.measures.units import PZ, Characters, Nats, Position, Row, Share, WindowCount

BookPassages = Schemes[dict[float, list["Passage"]]]
"""The passages of a book under each scheme, at each threshold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passage:
    """A maximal run of characters whose map value is at or above a threshold.

    It is stitched from windows that were each given the book's own prompt: no single generation produced it.
    """

    start: Position
    """Its first character."""
    stop: Position
    """The character after its last."""
    characters: Characters
    """Its length."""
    windows: WindowCount
    """Windows whose scored suffix lies wholly inside."""
    weakest_window: Row | None
    """The row in windows.parquet, from 0, of the one with the smallest log_p_z, the earliest of equals."""
    weakest_log_p_z: Nats | None
    """Its log_p_z; null also where that is minus infinity, which only top-k gives."""
    qualifying_share: Share | None
    """Share of those windows at or above the threshold."""
    longest_consecutive: WindowCount
    """Longest run of windows at consecutive cursors among them that are at or above the threshold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedPassage(Passage):
    """A passage as passages.csv lists it: with what it was found under, and where it stands."""

    scheme: str
    """The p_z it was found under: `plain` or `top_k`."""
    threshold: PZ
    """The threshold that its characters reach."""
    chapter: str | None
    """The title of the chapter that it begins in; empty before the first."""
    repetitive_share: Share
    """Share of its characters that lie in the suffix of a window flagged as repetitive."""
    text: str | None
    """Its characters; only its beginning, or nothing, where report_text ends before."""


def passages(
    covered: CharacterMap, windows: Windows, log_p_z: np.ndarray, threshold: float, *, stride: int
) -> list[Passage]:
    """The passages at a threshold of p_z, in the order of the text.

    Args:
        covered: the map over suffixes.
        log_p_z: float [W], the values that the map was made of.
        stride: characters from cursor to cursor.
    """
    edges = np.diff(covered.reaches(math.log(threshold)).astype(np.int8), prepend=0, append=0)
    longest = int((windows.stop - windows.start).max(initial=0))

    def passage(start: int, stop: int) -> Passage:
        first, last = np.searchsorted(windows.start, (start - longest, stop))
        inside = first + np.flatnonzero(
            (windows.suffix_start[first:last] >= start) & (windows.stop[first:last] <= stop)
        )
        values = log_p_z[inside]
        weakest = int(inside[np.argmin(values)]) if len(inside) else None
        qualifying = values >= math.log(threshold)
        return Passage(
            start=start,
            stop=stop,
            characters=stop - start,
            windows=len(inside),
            weakest_window=weakest,
            weakest_log_p_z=float(log_p_z[weakest]) if weakest is not None and np.isfinite(log_p_z[weakest]) else None,
            qualifying_share=float(np.mean(qualifying)) if len(inside) else None,
            longest_consecutive=_longest_run(windows.cursor[inside[qualifying]], stride),
        )

    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [passage(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def all_passages(measured: Measured) -> BookPassages:
    """The passages under each scheme, at each threshold."""
    return measured.schemes.map(
        lambda scheme: {
            threshold: passages(scheme.maps.suffix, measured.windows, scheme.log_p_z, threshold, stride=measured.stride)
            for threshold in THRESHOLDS
        }
    )


def list_passages(measured: Measured, found: BookPassages, most_characters: float) -> list[ListedPassage]:
    """The passages as a list, each with its scheme, its threshold, its place in the book and its words.

    Args:
        most_characters: of the book, that may be quoted.
    """
    by_threshold = (*found.plain.values(), *found.top_k.values())
    quotes = _quotes(measured.book.text, [passage for some in by_threshold for passage in some], most_characters)
    repetitive = np.concatenate([[0], np.cumsum(_repetitive_characters(measured))])
    return [
        ListedPassage(
            **vars(passage),
            scheme=scheme,
            threshold=threshold,
            chapter=_chapter(measured.book, passage.start),
            repetitive_share=round(float(repetitive[passage.stop] - repetitive[passage.start]) / passage.characters, 4),
            text=quotes[passage.start, passage.stop] or None,
        )
        for scheme, thresholds in (("plain", found.plain), ("top_k", found.top_k))
        for threshold, some in thresholds.items()
        for passage in some
    ]


def _quotes(text: str, quotable: Sequence[Passage], most_characters: float) -> dict[tuple[int, int], str]:
    """The words of each passage by its span, the longest first, until so many characters of the text are quoted.

    A character that stands in several passages counts once.
    """
    quoted = np.zeros(len(text), bool)
    quotes = {}
    spans = {(passage.start, passage.stop) for passage in quotable}
    for start, stop in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        added = np.cumsum(~quoted[start:stop])  # by the first character, by the first two, ...
        length = int(np.searchsorted(added, most_characters, side="right"))
        if length:
            most_characters -= int(added[length - 1])
            quoted[start : start + length] = True
        quotes[start, stop] = text[start : start + length]
    return quotes


def _repetitive_characters(measured: Measured) -> np.ndarray:
    """bool [C]: whether each character lies in the suffix of a repetitive window."""
    which = measured.repetition.repetitive
    edges = np.zeros(len(measured.book.text) + 1, np.int64)
    np.add.at(edges, measured.windows.suffix_start[which], 1)
    np.add.at(edges, measured.windows.stop[which], -1)
    return np.cumsum(edges)[:-1] > 0


def _chapter(book: Book, position: int) -> str | None:
    """The title of the chapter that a character stands in; None before the first."""
    return next((chapter.title for chapter in reversed(book.chapters) if chapter.start <= position), None)


def _longest_run(cursors: np.ndarray, stride: int) -> int:
    """The length of the longest run in ascending `cursors` whose steps are all `stride`."""
    if not len(cursors):
        return 0
    breaks = np.flatnonzero(np.diff(cursors) != stride)
    return int(np.diff(breaks, prepend=-1, append=len(cursors) - 1).max())
