"""A book with all that was measured of it: what the statistics, the charts and the tables are made from."""

import dataclasses

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.selection import ControlSample, Selection
from byheart.contracts.windows import Windows
from byheart.measures.character_map import CharacterMap, map_characters
from byheart.measures.coverage import find_covered
from byheart.measures.repetition import Repetition, measure_repetition
from byheart.measures.schemes import Coverages, Schemes
from byheart.measures.uncertainty import select_non_overlapping
from byheart.scores.scores import Scores


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scheme:
    """The probabilities of a book's windows under one scheme, and the character maps made of them."""

    log_p_z: np.ndarray
    """float64 [W]"""
    maps: Coverages[CharacterMap]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SampleLogPZ:
    """The log_p_z of N suffixes under two prompts."""

    own_prompt: np.ndarray
    """float64 [N]"""
    other_prompt: np.ndarray
    """float64 [N]"""
    non_overlapping: int
    """How many of the suffixes belong to windows that share no characters with one another."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredBook:
    """A book with its windows, their scores, and the character maps made of them."""

    book: Book
    windows: Windows
    """The measured windows."""
    selection: Selection
    """Which of the book's windows are measured."""
    all_windows: Windows
    """All windows of the book, measured or not."""
    scores: Scores
    schemes: Schemes[Scheme]
    not_asked: Coverages[np.ndarray]
    """bool [C]: characters that are not measured because they were not selected: they lie outside `only`, or the
    windows that cover them are not measured."""
    repetition: Repetition
    sample: ControlSample
    sample_scores: Scores
    """The scores of the control sample's suffixes under the other prompts."""
    rescored: np.ndarray
    """bool [W]: which windows were scored again in float32, because they lie near a threshold."""
    sample_rescored: np.ndarray
    """bool [N]: the same of the control sample."""
    stride: int
    """Characters from cursor to cursor."""

    @property
    def sample_rows(self) -> np.ndarray:
        """int64 [N]: the rows, among the measured windows, of the control sample's suffixes."""
        return np.searchsorted(self.selection.numbers(), self.sample.suffix_window)

    @property
    def sample_log_p_z(self) -> SampleLogPZ:
        """The log_p_z of the control sample's suffixes under their own prompts, and under others."""
        windows = self.windows.select(self.sample_rows)
        return SampleLogPZ(
            own_prompt=self.scores.log_p_z[self.sample_rows],
            other_prompt=self.sample_scores.log_p_z,
            non_overlapping=len(select_non_overlapping(windows.start, windows.stop)),
        )


def measure(
    book: Book,
    all_windows: Windows,
    selection: Selection,
    scores: Scores,
    sample: ControlSample,
    sample_scores: Scores,
    *,
    stride: int,
    rescored: np.ndarray | None = None,
    sample_rescored: np.ndarray | None = None,
) -> MeasuredBook:
    """The book with the character maps and the repetition of its windows.

    Args:
        all_windows: all windows of the book.
        selection: which of them are measured.
        scores: the scores of the measured windows.
        rescored, sample_rescored: as in `MeasuredBook`; None is none.
    """
    windows = all_windows if selection.count == selection.of else all_windows.select(selection.numbers())
    selected = find_selected(selection, len(book.text))

    def make_scheme(log_p_z: np.ndarray) -> Scheme:
        def make_map(first: np.ndarray) -> CharacterMap:
            return map_characters(len(book.text), first, windows.stop, log_p_z).keep(selected)

        return Scheme(log_p_z=log_p_z, maps=find_first_covered(windows).map(make_map))

    def find_not_asked(character_map: CharacterMap, first: np.ndarray) -> np.ndarray:
        return ~character_map.measurable & (~selected | find_covered(len(book.text), first, all_windows.stop))

    schemes = Schemes(plain=make_scheme(scores.log_p_z), top_k=make_scheme(scores.log_p_z_top_k))
    return MeasuredBook(
        book=book,
        windows=windows,
        selection=selection,
        all_windows=all_windows,
        scores=scores,
        schemes=schemes,
        not_asked=schemes.plain.maps.map(find_not_asked, find_first_covered(all_windows)),
        repetition=measure_repetition(book.text, windows),
        sample=sample,
        sample_scores=sample_scores,
        rescored=np.zeros(len(windows), bool) if rescored is None else rescored,
        sample_rescored=np.zeros(len(sample), bool) if sample_rescored is None else sample_rescored,
        stride=stride,
    )


def find_selected(selection: Selection, characters: int) -> np.ndarray:
    """bool [characters]: whether each character of a book is selected."""
    spans = selection.characters
    return find_covered(characters, np.array([s.start for s in spans]), np.array([s.stop for s in spans]))


def find_first_covered(windows: Windows) -> Coverages[np.ndarray]:
    """int64 [W]: the first character that each window covers."""
    return Coverages(suffix=windows.suffix_start, window=windows.start)


def compute_window_share(hits: np.ndarray) -> float | None:
    """The share of windows that are hits, bool [W]; None if there are no windows."""
    return float(hits.mean()) if len(hits) else None
