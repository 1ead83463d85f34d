"""What is kept of a book once its files are written, and what the control books of a run make together."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from byheart.measures.measured import SCHEMES
from byheart.measures.rates import Rates
from byheart.measures.uncertainty import Counts


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What is kept of a book once its own files are written."""

    described: dict[str, Any]
    """What the provenance says of it."""
    statistics: dict[str, Any]
    rates: dict[str, Rates]
    """Under each scheme, as the other two."""
    counts: dict[str, Counts]
    log_p_z: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Control:
    """What is expected where a model has not seen the text: the control books of a run, taken together."""

    books: list[str]
    rates: dict[str, Rates]
    """Under each scheme, over the blocks of all control books."""
    log_p_z: dict[str, np.ndarray]
    """Under each scheme, float64, the windows of all control books."""
    clear: dict[str, dict[str, tuple[int, int]]]
    """Under each scheme, by threshold: how many of the non-overlapping windows reach it, of how many."""


def control_of(books: Sequence[Outcome]) -> Control | None:
    """The control that these books make; None if there are none."""
    if not books:
        return None
    return Control(
        books=[outcome.described["name"] for outcome in books],
        rates={name: Rates.of(Counts.pooled([outcome.counts[name] for outcome in books])) for name in SCHEMES},
        log_p_z={name: np.concatenate([outcome.log_p_z[name] for outcome in books]) for name in SCHEMES},
        clear={name: _clear([outcome.statistics[name]["windows_at"] for outcome in books]) for name in SCHEMES},
    )


def _clear(books: Sequence[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """The sums of the books' non-overlapping windows, by threshold."""
    found = {threshold: [windows_at[threshold]["non_overlapping"] for windows_at in books] for threshold in books[0]}
    return {at: (sum(each["count"] for each in some), sum(each["of"] for each in some)) for at, some in found.items()}
