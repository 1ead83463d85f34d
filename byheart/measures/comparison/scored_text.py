"""A text under one model, its maps built again from its windows.parquet, and what reaches each level of them."""

import dataclasses
import math

import numpy as np

from byheart.contracts.only import Span
from byheart.measures.calibration.bands import Band, classify
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.stretches import Document, cut
from byheart.measures.character_map import CharacterMap, map_characters
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.measured import find_selected
from byheart.measures.results import BookResults
from byheart.measures.statistics import BookStatistics
from byheart.measures.tables import SpanTable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Level:
    """What a character or a window reaches, or does not."""

    threshold: float | None
    """A threshold of p_z; None for the band, which is above the threshold t of the model's own controls."""

    @property
    def name(self) -> str:
        """Its name in tables and pages."""
        return "above_controls" if self.threshold is None else str(self.threshold)


ABOVE_CONTROLS = Level(threshold=None)
LEVELS = (*(Level(threshold=threshold) for threshold in THRESHOLDS), ABOVE_CONTROLS)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ScoredText:
    """A text of C characters and W windows under one model."""

    statistics: BookStatistics
    calibration: Calibration | None
    """The text against the controls of its run; None for a control, and without controls."""
    spans: SpanTable
    """Its windows."""
    character_map: CharacterMap
    """By suffixes, at temperature 1 and the whole vocabulary."""
    bands: np.ndarray | None
    """int8 [C]: the `Band` of each character; None without a threshold from controls."""

    @classmethod
    def read(cls, results: BookResults) -> "ScoredText":
        """The text as its results hold it."""
        return cls._make(results.statistics, results.read_calibration(), results.read_spans())

    @classmethod
    def _make(cls, statistics: BookStatistics, calibration: Calibration | None, spans: SpanTable) -> "ScoredText":
        book = statistics.provenance.book
        covered = map_characters(book.characters, spans.suffix_start, spans.stop, spans.log_p_z)
        return cls(
            statistics=statistics,
            calibration=calibration,
            spans=spans,
            character_map=covered.keep(find_selected(book.selection, book.characters)),
            bands=_paint(spans, book.characters, calibration),
        )

    def keep(self, rows: np.ndarray) -> "ScoredText":
        """The text as if it had these windows alone, with the threshold that all windows gave."""
        return self._make(self.statistics, self.calibration, self.spans.select(rows))

    @property
    def selected(self) -> tuple[Span, ...]:
        """The selected stretches of characters."""
        return self.statistics.provenance.book.selection.characters

    def find_measurable(self, level: Level) -> np.ndarray | None:
        """bool [C]: the characters that have a value at this level; None where the level does not exist."""
        if level.threshold is not None:
            return self.character_map.measurable
        return None if self.bands is None else self.bands != Band.NONE

    def find_reaching(self, level: Level) -> np.ndarray | None:
        """bool [C]: the characters that reach this level; None where the level does not exist."""
        if level.threshold is not None:
            return self.character_map.reaches(math.log(level.threshold))
        return None if self.bands is None else self.bands >= Band.ABOVE_CONTROLS

    def find_windows_reaching(self, level: Level) -> np.ndarray | None:
        """bool [W]: the windows that reach this level, for the band without those that are repetitive; None where the
        level does not exist."""
        if level.threshold is not None:
            return self.spans.log_p_z >= math.log(level.threshold)
        threshold = self.calibration.windows_t if self.calibration else None
        return (self.spans.log_p_z > threshold.value) & ~self.spans.repetitive if threshold else None


def is_on_grid(statistics: BookStatistics) -> bool:
    """Whether windows are of characters, and so on the grid of all tokenizers."""
    return statistics.provenance.settings.window.suffix_characters > 0


def find_common_windows(first: SpanTable, second: SpanTable, *, is_grid: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """The rows, in both tables, of the windows that two models have in common; None if their windows do not compare.

    Windows are the same if their prompts and suffixes are, in characters. On a grid of characters those are paired that
    are flagged in neither table; windows of tokens must all be the same.
    """
    names = ("start", "suffix_start", "stop")
    if not is_grid:
        same = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)
        return (np.arange(len(first)), np.arange(len(second))) if same else None
    _, rows, other_rows = np.intersect1d(first.start, second.start, assume_unique=True, return_indices=True)
    agree = ~first.flagged[rows] & ~second.flagged[other_rows]
    for name in names:
        agree &= getattr(first, name)[rows] == getattr(second, name)[other_rows]
    return (rows[agree], other_rows[agree]) if agree.any() else None


def make_document(name: str, spans: SpanTable, log_p_z: np.ndarray, *, is_spread: bool = False) -> Document:
    """The windows as a document of a calibration; without its text, so that its balance is unknown.

    Args:
        log_p_z: float64 [W], or another score of these windows.
    """
    return Document(
        name=name,
        text="",
        number=spans.number,
        start=spans.start,
        suffix_start=spans.suffix_start,
        stop=spans.stop,
        log_p_z=log_p_z,
        repetitive=spans.repetitive,
        book_overlap=np.zeros(len(spans), np.float32),
        is_spread=is_spread,
    )


def _paint(spans: SpanTable, characters: int, calibration: Calibration | None) -> np.ndarray | None:
    """int8 [C]: the band of each character, by its windows that are not repetitive."""
    if calibration is None or calibration.characters_t is None:
        return None
    whole = cut(make_document("", spans, spans.log_p_z), len(spans))
    start, stop = whole.span
    painted = np.full(characters, Band.NONE, np.int8)
    painted[start:stop] = classify(whole.character_map.log_p_z, calibration.characters_t.value)
    return painted
