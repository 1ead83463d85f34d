"""The chapters of a book and how well the model knows each, as chapters.json and chapters.csv hold them."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from byheart.contracts.books import Book
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD, THRESHOLDS
from byheart.measures.measured import MeasuredBook, compute_window_share
from byheart.measures.recall import BestWindow, Recall, WindowRecall, find_best_window, list_recall_columns
from byheart.measures.units import ByThreshold, ChapterNumber, Characters, Position, Share, WindowCount


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedChapter:
    """A chapter, from its heading to the next heading or to the end of the book, and its numbers, of the plain scheme.

    Shares have no interval: a chapter is no more than a block or two.
    """

    number: ChapterNumber
    """Its number in the book, from 1, as the setting `only` counts."""
    title: str
    """The heading on a single line; empty where report_text is `none`."""
    start: Position
    """The position of its first character."""
    stop: Position
    """The position after its last character."""
    windows: WindowCount
    """The measured windows whose suffix begins in it."""
    measurable: Characters
    """Its characters that lie in the suffix of a measured window."""
    greedy_windows: Share | None
    """The share of its windows whose suffix is the most probable continuation, token by token; null without windows."""
    windows_at: ByThreshold[Share | None]
    """The share of its windows at or above each threshold of p_z; null without windows."""
    suffix_coverage_at: ByThreshold[Share | None]
    """The share of its measurable characters covered by a suffix at or above each threshold; null if there are none."""
    window_coverage_at: ByThreshold[Share | None]
    """The share of its characters covered anywhere in a window, among those that a measured window covers."""
    longest_passage_characters: Characters
    """The characters of the longest passage at p_z ≥ 0.5, or part of a passage, that lies in it."""
    recall: Recall | None
    """How well the model continues its windows; null without windows."""
    best_window: BestWindow | None
    """Its best window; null without windows."""

    @classmethod
    def list_columns(cls) -> list[str]:
        """The names of the columns of chapters.csv."""
        nothing = dict.fromkeys(THRESHOLDS)
        blank = cls(
            number=1, title="", start=0, stop=0, windows=0, measurable=0, greedy_windows=None, windows_at=nothing,
            suffix_coverage_at=nothing, window_coverage_at=nothing, longest_passage_characters=0, recall=None,
            best_window=None,
        )  # fmt: skip
        return [name for name, _ in blank.columns()]

    def columns(self) -> Iterator[tuple[str, str | float | None]]:
        """Its numbers with the names of their columns in a table."""
        for name, value in vars(self).items():
            if isinstance(value, dict):
                yield from ((f"{name}_{threshold}", share) for threshold, share in value.items())
            elif name not in ("recall", "best_window"):
                yield name, value
        yield from list_recall_columns(self.recall, self.best_window)


def list_chapters(measured: MeasuredBook, recall: WindowRecall) -> list[ListedChapter]:
    """The chapters of a book, in text order. The text before the first heading belongs to no chapter.

    Args:
        recall: of the measured windows.
    """
    book, scores = measured.book, measured.scores
    log_p_z, maps = measured.schemes.plain.log_p_z, measured.schemes.plain.maps
    numbers = find_chapters(book, measured.windows.suffix_start)
    stops = [*(chapter.start for chapter in book.chapters[1:]), len(book.text)]

    def list_chapter(number: int, title: str, start: int, stop: int) -> ListedChapter:
        (inside,) = np.nonzero(numbers == number)
        suffix, window = maps.suffix.crop(start, stop), maps.window.crop(start, stop)
        return ListedChapter(
            number=number,
            title=title,
            start=start,
            stop=stop,
            windows=len(inside),
            measurable=int(suffix.measurable.sum()),
            greedy_windows=compute_window_share(scores.greedy[inside]),
            windows_at={at: compute_window_share(log_p_z[inside] >= math.log(at)) for at in THRESHOLDS},
            suffix_coverage_at=_cover(suffix),
            window_coverage_at=_cover(window),
            longest_passage_characters=suffix.find_longest(math.log(HEADLINE_THRESHOLD)),
            recall=recall.select(inside).compute(),
            best_window=find_best_window(measured.windows, log_p_z, inside),
        )

    return [
        list_chapter(number, chapter.title, chapter.start, stop)
        for number, (chapter, stop) in enumerate(zip(book.chapters, stops, strict=False), 1)
    ]


def find_chapters(book: Book, positions: np.ndarray) -> np.ndarray:
    """int32: the number of the chapter that holds each character position, from 1; 0 before the first chapter."""
    starts = [chapter.start for chapter in book.chapters]
    return np.searchsorted(np.array(starts, np.int64), positions, side="right").astype(np.int32)


def _cover(covered: CharacterMap) -> dict[float, float | None]:
    return {at: covered.compute_share(math.log(at)) for at in THRESHOLDS}
