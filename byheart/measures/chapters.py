"""The chapters of a book and how well the model knows each, as chapters.json and chapters.csv hold them."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from byheart.contracts.books import Book
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import CHAPTER_N, HEADLINE_THRESHOLD, NEAR_HALF, THRESHOLDS, P, tau
from byheart.measures.measured import MeasuredBook, Scheme, compute_window_share
from byheart.measures.near_half import NearHalf
from byheart.measures.recall import BestWindow, Recall, WindowRecall, find_best_window, list_recall_columns
from byheart.measures.units import ByP, ByThreshold, ChapterNumber, Characters, Position, Share, WindowCount, set_keys

ByTries = Annotated[dict[int, Share | None], set_keys("n", CHAPTER_N)]
"""A share for each of some numbers of tries."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChapterRates:
    """The rates of a chapter under top-k, with the temperature and top_k of the settings."""

    windows_at: ByThreshold[Share | None]
    """The share of its windows at or above each threshold of p_z; null without windows."""
    suffix_coverage_at: ByThreshold[Share | None]
    """The share of its measurable characters covered by a suffix at or above each threshold; null if there are none."""
    window_coverage_at: ByThreshold[Share | None]
    """The share of its characters covered anywhere in a window, among those that a measured window covers."""
    extraction_rates: ByP[ByTries]
    """The share of its windows that n tries would draw at least once with probability p; at n = 1,000 and p up to 0.5 \
windows below the evidence floor count too."""
    longest_passage_characters: Characters
    """The characters of the longest passage at p_z ≥ 0.5, or part of a passage, that lies in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedChapter:
    """A chapter, from its heading to the next heading or to the end of the book, and its numbers.

    They are of the plain scheme, but for `top_k`. Shares have no interval: a chapter is no more than a block or two.
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
    extraction_rates: ByP[ByTries]
    """The share of its windows that n tries would draw at least once with probability p; at n = 1,000 and p up to 0.5 \
windows below the evidence floor count too."""
    near_half: NearHalf
    """Its shares at thresholds near 0.5."""
    top_k: ChapterRates
    """The same rates under top-k."""
    recall: Recall | None
    """How well the model continues its windows; null without windows."""
    best_window: BestWindow | None
    """Its best window; null without windows."""

    @classmethod
    def list_columns(cls) -> list[str]:
        """The names of the columns of chapters.csv."""
        nothing = dict.fromkeys(THRESHOLDS)
        rates = ChapterRates(
            windows_at=nothing, suffix_coverage_at=nothing, window_coverage_at=nothing,
            extraction_rates={p: dict.fromkeys(CHAPTER_N) for p in P}, longest_passage_characters=0,
        )  # fmt: skip
        near_half = NearHalf(coverage_at=dict.fromkeys(NEAR_HALF), windows_at=dict.fromkeys(NEAR_HALF))
        blank = cls(
            number=1, title="", start=0, stop=0, windows=0, measurable=0, greedy_windows=None, near_half=near_half,
            top_k=rates, recall=None, best_window=None, **vars(rates),
        )  # fmt: skip
        return [name for name, _ in blank.columns()]

    def columns(self) -> Iterator[tuple[str, str | float | None]]:
        """Its numbers with the names of their columns in a table."""
        for name, value in vars(self).items():
            if name not in ("near_half", "top_k", "recall", "best_window"):
                yield from _flatten(name, value)
        yield from _flatten("windows_at", self.near_half.windows_at)
        yield from _flatten("suffix_coverage_at", self.near_half.coverage_at)
        for name, value in vars(self.top_k).items():
            yield from _flatten(f"top_k_{name}", value)
        yield from list_recall_columns(self.recall, self.best_window)


def list_chapters(measured: MeasuredBook, recall: WindowRecall) -> list[ListedChapter]:
    """The chapters of a book, in text order. The text before the first heading belongs to no chapter.

    Args:
        recall: of the measured windows.
    """
    book, scores = measured.book, measured.scores
    numbers = find_chapters(book, measured.windows.suffix_start)
    stops = [*(chapter.start for chapter in book.chapters[1:]), len(book.text)]

    def list_chapter(number: int, title: str, start: int, stop: int) -> ListedChapter:
        (inside,) = np.nonzero(numbers == number)
        schemes = measured.schemes.map(
            lambda scheme: Scheme(
                log_p_z=scheme.log_p_z[inside], maps=scheme.maps.map(lambda covered: covered.crop(start, stop))
            )
        )
        return ListedChapter(
            number=number,
            title=title,
            start=start,
            stop=stop,
            windows=len(inside),
            measurable=int(schemes.plain.maps.suffix.measurable.sum()),
            greedy_windows=compute_window_share(scores.greedy[inside]),
            **vars(_compute_rates(schemes.plain)),
            near_half=NearHalf.from_scheme(schemes.plain),
            top_k=_compute_rates(schemes.top_k),
            recall=recall.select(inside).compute(),
            best_window=find_best_window(measured.windows, measured.schemes.plain.log_p_z, inside),
        )

    return [
        list_chapter(number, chapter.title, chapter.start, stop)
        for number, (chapter, stop) in enumerate(zip(book.chapters, stops, strict=False), 1)
    ]


def find_chapters(book: Book, positions: np.ndarray) -> np.ndarray:
    """int32: the number of the chapter that holds each character position, from 1; 0 before the first chapter."""
    starts = [chapter.start for chapter in book.chapters]
    return np.searchsorted(np.array(starts, np.int64), positions, side="right").astype(np.int32)


def _compute_rates(scheme: Scheme) -> ChapterRates:
    """The rates of a chapter, from its windows and its part of the maps."""

    def share(log_p_z: float) -> float | None:
        return compute_window_share(scheme.log_p_z >= log_p_z)

    return ChapterRates(
        windows_at={at: share(math.log(at)) for at in THRESHOLDS},
        suffix_coverage_at=_cover(scheme.maps.suffix),
        window_coverage_at=_cover(scheme.maps.window),
        extraction_rates={p: {n: share(tau(n, p)) for n in CHAPTER_N} for p in P},
        longest_passage_characters=scheme.maps.suffix.find_longest(math.log(HEADLINE_THRESHOLD)),
    )


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The value with the name of its column; of a table, each value with its keys at the end of the name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{name}_{key}", inner)
    else:
        yield name, value


def _cover(covered: CharacterMap) -> dict[float, float | None]:
    return {at: covered.compute_share(math.log(at)) for at in THRESHOLDS}
