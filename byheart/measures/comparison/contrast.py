"""The contrast with a reference: a model's scores minus a reference's on the same characters, ranked among controls.

delta = log_p_z - the reference's log_p_z takes away what makes a text easy for any model. Ranks of the book's delta
among its controls' are exact, as those of any fixed score are, if the reference has seen neither. A better model has a
larger delta everywhere, so delta itself shows nothing. A reference that has seen the book only makes the test milder;
one that has seen controls makes it wrong: with j of K seen, a false alarm has a chance of 1 / (K - j + 1) instead of
1 / (K + 1), and with all of them no bound.
"""

import dataclasses
from collections.abc import Sequence

from byheart.contracts.books import CONTROL
from byheart.measures.calibration.ranks import Ranks, rank_comparison
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.comparison.models import ComparedModel
from byheart.measures.comparison.scored_text import find_common_windows, is_on_grid, make_document
from byheart.measures.results import BookResults


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contrast:
    """The rank of a book's delta among its controls'."""

    p_all: float
    """The p-value of all four numbers together, of delta in place of log_p_z."""
    ranks: Ranks
    """The rank of each number; only the ranks are claims, not the excess."""
    controls: int
    """K."""
    is_spread: bool
    """Whether windows were measured evenly spread, so that no error rate holds."""


def contrast(model: ComparedModel, reference: ComparedModel) -> dict[str, Contrast | str]:
    """The contrast of each book of a model with a reference, by the book's SHA-256, or why there is none."""
    controls = [_subtract(text, reference) for text in model.controls]
    return {
        text.book.sha256: _rank(_subtract(text, reference), controls)
        for text in model.results.books
        if text.book.role != CONTROL
    }


def _rank(book: Document | str, controls: Sequence[Document | str]) -> Contrast | str:
    reasons = [text for text in (book, *controls) if isinstance(text, str)]
    if reasons or not controls:
        return reasons[0] if reasons else "no control was measured"
    documents = [text for text in (book, *controls) if isinstance(text, Document)]
    comparison = compare(documents[0], documents[1:])
    ranks, p_all = rank_comparison(comparison)
    return Contrast(p_all=p_all, ranks=ranks, controls=len(controls), is_spread=comparison.is_spread)


def _subtract(text: BookResults, reference: ComparedModel) -> Document | str:
    """The document of a text with delta for log_p_z, or why there is none."""
    other = reference.find(text.book.sha256)
    if other is None:
        return f"the reference has not measured {text.book.name}"
    own, others = text.read_spans(), other.read_spans()
    is_grid = all(is_on_grid(results.statistics) for results in (text, other))
    rows = find_common_windows(own, others, is_grid=is_grid)
    if rows is None:
        return f"the reference has other windows of {text.book.name}"
    own, others = own.select(rows[0]), others.select(rows[1])
    return make_document(text.book.name, own, own.log_p_z - others.log_p_z, is_spread=text.book.selection.is_spread)
