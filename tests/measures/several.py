"""Three books and two controls, and naive counts of what of them reaches a threshold."""

import numpy as np

from byheart.measures.measured import MeasuredBook
from tests.measures import toy

BOOKS = [
    toy.make_book(np.exp(-np.random.default_rng(0).exponential(4, 60)), name="long", stride=1_000),
    toy.make_book([0.9, 0.6, 0.02, 1e-5], name="short, “and” so on"),
    toy.make_book([0.7, 1e-5], p_z_top_k=[0.9, 0.0], name="shorter"),
]
CONTROLS = [
    toy.make_book([0.002] + [1e-9] * 19, name="c", role="control"),
    toy.make_book([1e-9] * 5, name="d", role="control"),
]


def p_z(book: MeasuredBook, scheme: str = "plain") -> np.ndarray:
    return np.exp(getattr(book.schemes, scheme).log_p_z)


def count_reached(book: MeasuredBook, threshold: float, coverage: str) -> tuple[int, int]:
    """Characters that reach the threshold, and those that are measurable."""
    first = book.windows.suffix_start if coverage == "suffix" else book.windows.start
    spans = list(zip(first.tolist(), book.windows.stop.tolist(), strict=True))
    covered = {c for span, p in zip(spans, p_z(book), strict=True) if p >= threshold for c in range(*span)}
    return len(covered), len({c for span in spans for c in range(*span)})
