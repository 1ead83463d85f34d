"""A book with all that was measured of it: what the statistics, the charts and the tables are made from."""

import dataclasses

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.windows import ControlSample, Selection, Windows
from byheart.measures.character_map import CharacterMap, character_map
from byheart.measures.coverage import covered_by_any
from byheart.measures.repetition import Repetition, repetition
from byheart.measures.schemes import Coverages, Schemes
from byheart.scores.scores import Scores


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scheme:
    """The probabilities of a book's windows in one of the two ways, and what they make of its characters."""

    log_p_z: np.ndarray
    """float64 [W]"""
    maps: Coverages[CharacterMap]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One book, measured."""

    book: Book
    windows: Windows
    """Those that were measured."""
    selection: Selection
    """Which of the book's these are."""
    every: Windows
    """All of the book's, measured or not."""
    scores: Scores
    schemes: Schemes[Scheme]
    not_asked: Coverages[np.ndarray]
    """bool [C]: characters that are not measured because of what was asked for: outside `only`, or covered by windows
    of the book, none of which is measured."""
    repetition: Repetition
    sample: ControlSample
    sample_scores: Scores
    """Of the control sample's suffixes under the other prompts."""
    stride: int
    """Characters from cursor to cursor."""


def measure(
    book: Book,
    every: Windows,
    selection: Selection,
    scores: Scores,
    sample: ControlSample,
    sample_scores: Scores,
    *,
    prompt_tokens: int,
    scored_tokens: int,
    stride: int,
) -> Measured:
    """The maps and figures that follow from a book's windows and their scores.

    Args:
        every: all windows of the book.
        selection: which of them are measured.
        scores: of these.
    """
    windows, asked = every.select(selection.numbers()), asked_for(selection, len(book.text))

    def scheme(log_p_z: np.ndarray) -> Scheme:
        def covered(first: np.ndarray) -> CharacterMap:
            return character_map(len(book.text), first, windows.stop, log_p_z).within(asked)

        return Scheme(log_p_z=log_p_z, maps=first_covered(windows).map(covered))

    def not_asked(covered: CharacterMap, first: np.ndarray) -> np.ndarray:
        return ~covered.measurable & (~asked | covered_by_any(len(book.text), first, every.stop))

    schemes = Schemes(plain=scheme(scores.log_p_z), top_k=scheme(scores.log_p_z_top_k))
    return Measured(
        book=book,
        windows=windows,
        selection=selection,
        every=every,
        scores=scores,
        schemes=schemes,
        not_asked=schemes.plain.maps.map(not_asked, first_covered(every)),
        repetition=repetition(book.text, windows, prompt_tokens=prompt_tokens, scored_tokens=scored_tokens),
        sample=sample,
        sample_scores=sample_scores,
        stride=stride,
    )


def asked_for(selection: Selection, characters: int) -> np.ndarray:
    """bool [characters]: whether each character of a book is asked for."""
    spans = selection.characters
    return covered_by_any(characters, np.array([s.start for s in spans]), np.array([s.stop for s in spans]))


def first_covered(windows: Windows) -> Coverages[np.ndarray]:
    """int64 [W]: the first character that each window covers."""
    return Coverages(suffix=windows.suffix_start, window=windows.start)
