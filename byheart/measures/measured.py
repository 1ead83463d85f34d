"""A book with all that was measured of it: what the statistics, the charts and the tables are made from."""

import dataclasses

import numpy as np

from byheart.contracts.books import Book
from byheart.contracts.windows import ControlSample, Windows
from byheart.measures.character_map import CharacterMap, character_map
from byheart.measures.repetition import Repetition, repetition
from byheart.scores.scores import Scores

SCHEMES = {"plain": "log_p_z", "top_k": "log_p_z_top_k"}
"""The two p_z of a window, by the column that holds them: temperature 1 over the whole vocabulary, or as decoded."""
COVERAGES = ("suffix", "window")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scheme:
    """The probabilities of a book's windows in one of the two ways, and what they make of its characters."""

    log_p_z: np.ndarray
    """float64 [W]"""
    maps: dict[str, CharacterMap]
    """Of the characters covered by a suffix (`suffix`), and anywhere in a window (`window`)."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One book, measured."""

    book: Book
    windows: Windows
    scores: Scores
    schemes: dict[str, Scheme]
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
        firsts = {"suffix": windows.suffix_start, "window": windows.start}
        maps = {name: character_map(len(book.text), first, windows.stop, log_p_z) for name, first in firsts.items()}
        return Scheme(log_p_z=log_p_z, maps=maps)

    return Measured(
        book=book,
        windows=windows,
        scores=scores,
        schemes={name: scheme(getattr(scores, column)) for name, column in SCHEMES.items()},
        repetition=repetition(book.text, windows, prompt_tokens=prompt_tokens, scored_tokens=scored_tokens),
        sample=sample,
        sample_scores=sample_scores,
        stride=stride,
    )
