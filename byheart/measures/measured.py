"""A book with all that was measured of it: what the statistics, the charts and the tables are made from."""

import dataclasses

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.windows import ControlSample, Windows
from byheart.measures.character_map import CharacterMap, character_map
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
    scores: Scores
    schemes: Schemes[Scheme]
    repetition: Repetition
    sample: ControlSample
    sample_scores: Scores
    """Of the control sample's suffixes under the other prompts."""
    stride: int
    """Characters from cursor to cursor."""


def measure(
    book: Book,
    windows: Windows,
    scores: Scores,
    sample: ControlSample,
    sample_scores: Scores,
    *,
    prompt_tokens: int,
    scored_tokens: int,
    stride: int,
) -> Measured:
    """The maps and figures that follow from a book's windows and their scores."""

    def scheme(log_p_z: np.ndarray) -> Scheme:
        def covered(first: np.ndarray) -> CharacterMap:
            return character_map(len(book.text), first, windows.stop, log_p_z)

        return Scheme(log_p_z=log_p_z, maps=first_covered(windows).map(covered))

    return Measured(
        book=book,
        windows=windows,
        scores=scores,
        schemes=Schemes(plain=scheme(scores.log_p_z), top_k=scheme(scores.log_p_z_top_k)),
        repetition=repetition(book.text, windows, prompt_tokens=prompt_tokens, scored_tokens=scored_tokens),
        sample=sample,
        sample_scores=sample_scores,
        stride=stride,
    )


def first_covered(windows: Windows) -> Coverages[np.ndarray]:
    """int64 [W]: the first character that each window covers."""
    return Coverages(suffix=windows.suffix_start, window=windows.start)
