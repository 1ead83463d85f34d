"""What a book and its controls should have in common, if the controls are to stand for the book unseen."""

import dataclasses
import math
import zlib

import numpy as np

from byheart.measures.calibration.stretches import Stretch
from byheart.measures.coverage import find_words
from byheart.measures.units import Bytes, Log10PZ, Share, WordCount


@dataclasses.dataclass(frozen=True, kw_only=True)
class Balance:
    """Properties of a stretch. Where they differ much between book and controls, no error rate holds."""

    words: WordCount
    """The words of the stretch."""
    compressed_bytes_per_character: Bytes | None
    """The size of the stretch's text, compressed by zlib, over its characters: less where text repeats itself."""
    book_overlap: Share | None
    """The mean over the stretch's windows of the share of characters that occur in the text more than once."""
    median_log10_p_z: Log10PZ | None
    """The median of log10 p_z over the windows that are not repetitive: the smaller of two middle ones."""


def describe_balance(stretch: Stretch) -> Balance:
    """The properties of a stretch; numbers of windows or characters that do not exist are None."""
    start, stop = stretch.span
    text = stretch.document.text[start:stop]
    overlap = stretch.document.book_overlap[stretch.first : stretch.first + stretch.count]
    ranked = stretch.ranked_windows
    median = float(ranked[len(ranked) // 2]) / math.log(10) if len(ranked) else -math.inf
    return Balance(
        words=len(find_words(text)),
        compressed_bytes_per_character=len(zlib.compress(text.encode())) / len(text) if text else None,
        book_overlap=float(np.mean(overlap, dtype=np.float64)) if len(overlap) else None,
        median_log10_p_z=median if math.isfinite(median) else None,
    )
