"""The scores of the control books: what to expect of text that the model has not seen."""

import dataclasses

import numpy as np

from byheart.measures.calibration.stretches import Document
from byheart.measures.rates import Rates
from byheart.measures.recall import BestWindow, WindowRecall
from byheart.measures.schemes import Schemes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Control:
    """The control books of a run, pooled and each by itself."""

    books: list[str]
    """Their names."""
    rates: Schemes[Rates]
    """The rates over the blocks of all control books."""
    log_p_z: Schemes[np.ndarray]
    """float64: of the windows of all control books."""
    recall: WindowRecall
    """Of the windows of all control books."""
    best_windows: dict[str, BestWindow | None]
    """The best window of each control book, by its name."""
    non_overlapping: Schemes[dict[float, tuple[int, int]]]
    """By threshold: how many non-overlapping windows reach it, and how many there are."""
    documents: tuple[Document, ...]
    """Each of them, with its windows."""
