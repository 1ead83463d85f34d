"""Passages: maximal runs of characters whose map value reaches a threshold."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.only import Span
from byheart.contracts.windows import Windows
from byheart.measures.character_map import CharacterMap
from byheart.measures.coverage import find_covered
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import MeasuredBook
from byheart.measures.schemes import Schemes
from byheart.measures.units import PZ, Characters, Nats, Position, Row, Share, WindowCount

BookPassages = Schemes[dict[float, list["Passage"]]]
"""The passages of a book, by scheme and threshold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passage:
    """A maximal run of characters whose map value is at or above a threshold.

    It is stitched from windows that each had the book's own text as their prompt: no single generation produced it.
    """

    start: Position
    """The position of its first character."""
    stop: Position
    """The position after its last character."""
    characters: Characters
    """Its length."""
    windows: WindowCount
    """The windows whose scored suffix lies wholly inside."""
    weakest_window: Row | None
    """The row in windows.parquet, from 0, of the window inside with the smallest log_p_z; the earliest of equals."""
    weakest_log_p_z: Nats | None
    """The log_p_z of that window; null also where it is minus infinity, as only top-k scores can be."""
    qualifying_share: Share | None
    """The share of the windows inside that are at or above the threshold."""
    longest_consecutive: WindowCount
    """The longest run of windows inside, at consecutive cursors, that are all at or above the threshold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedPassage(Passage):
    """A row of passages.csv: a passage with its scheme, threshold, chapter and text."""

    scheme: str
    """The p_z that the passage is of: `plain` or `top_k`."""
    threshold: PZ
    """The threshold that all its characters reach."""
    chapter: str | None
    """The title of the chapter in which it begins; empty before the first chapter."""
    repetitive_share: Share
    """The share of its characters that lie in the suffix of a repetitive window."""
    text: str | None
    """Its text; only the beginning, or nothing, where report_text allows no more."""


def find_passages(
    character_map: CharacterMap, windows: Windows, log_p_z: np.ndarray, threshold: float, *, stride: int
) -> list[Passage]:
    """The passages at a threshold of p_z, in text order.

    Args:
        character_map: the map of suffix coverage.
        log_p_z: float [W], the scores that the map is made of.
        stride: characters from cursor to cursor.
    """
    edges = np.diff(character_map.reaches(math.log(threshold)).astype(np.int8), prepend=0, append=0)
    longest = int((windows.stop - windows.start).max(initial=0))

    def describe_passage(start: int, stop: int) -> Passage:
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
            longest_consecutive=_count_longest_run(windows.cursor[inside[qualifying]], stride),
        )

    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [describe_passage(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def find_all_passages(measured: MeasuredBook) -> BookPassages:
    """The passages of a book, by scheme and threshold."""
    return measured.schemes.map(
        lambda scheme: {
            threshold: find_passages(
                scheme.maps.suffix, measured.windows, scheme.log_p_z, threshold, stride=measured.stride
            )
            for threshold in THRESHOLDS
        }
    )


def list_passages(measured: MeasuredBook, passages: BookPassages, most_characters: float) -> list[ListedPassage]:
    """The rows of passages.csv.

    Args:
        most_characters: how many characters of the book the rows may quote together.
    """
    all_passages = [*itertools.chain(*passages.plain.values(), *passages.top_k.values())]
    quotes = _quote(measured.book.text, all_passages, most_characters)
    suffixes = measured.windows.select(measured.repetition.repetitive)
    is_repetitive = find_covered(len(measured.book.text), suffixes.suffix_start, suffixes.stop)
    repetitive = np.concatenate([[0], np.cumsum(is_repetitive)])
    return [
        ListedPassage(
            **vars(passage),
            scheme=scheme,
            threshold=threshold,
            chapter=_find_chapter(measured.book, passage.start),
            repetitive_share=round(float(repetitive[passage.stop] - repetitive[passage.start]) / passage.characters, 4),
            text=quotes[passage.start, passage.stop] or None,
        )
        for scheme, thresholds in (("plain", passages.plain), ("top_k", passages.top_k))
        for threshold, at_threshold in thresholds.items()
        for passage in at_threshold
    ]


def find_quoted(measured: MeasuredBook, rows: Iterable[ListedPassage]) -> list[Span]:
    """The maximal spans of a book's characters that the rows of passages.csv quote, in text order."""
    spans = {(row.start, row.start + len(row.text)) for row in rows if row.text}
    starts, stops = np.array([*spans], np.int64).reshape(-1, 2).T
    edges = np.diff(find_covered(len(measured.book.text), starts, stops), prepend=False, append=False)
    positions = np.flatnonzero(edges).tolist()
    return [Span(start=start, stop=stop) for start, stop in zip(positions[::2], positions[1::2], strict=True)]


def _quote(text: str, passages: Sequence[Passage], most_characters: float) -> dict[tuple[int, int], str]:
    """The text of each passage by its span, cut so that at most `most_characters` of the book are quoted.

    The longest passages are quoted first. A character that lies in several passages counts once.
    """
    quoted = np.zeros(len(text), bool)
    quotes = {}
    spans = {(passage.start, passage.stop) for passage in passages}
    for start, stop in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        added = np.cumsum(~quoted[start:stop])  # characters added by the first character, by the first two, ...
        length = int(np.searchsorted(added, most_characters, side="right"))
        if length:
            most_characters -= int(added[length - 1])
            quoted[start : start + length] = True
        quotes[start, stop] = text[start : start + length]
    return quotes


def _find_chapter(book: Book, position: int) -> str | None:
    """The title of the chapter that holds a character; None before the first chapter."""
    return next((chapter.title for chapter in reversed(book.chapters) if chapter.start <= position), None)


def _count_longest_run(cursors: np.ndarray, stride: int) -> int:
    """The length of the longest run in ascending `cursors` whose steps are all `stride`."""
    if not len(cursors):
        return 0
    breaks = np.flatnonzero(np.diff(cursors) != stride)
    return int(np.diff(breaks, prepend=-1, append=len(cursors) - 1).max())
