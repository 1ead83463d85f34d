"""Finds what no run can have written in a part that was read: whoever may write a store can make a part of any address.

It finds damage and careless forgeries. Scores that are consistent and false it cannot tell from true ones.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from byheart.scores.kinds import SCORES, Kind

_MOST_TOKENS = 2**24
"""More tokens than any context has: ids and ranks beyond it are none."""
_ROUNDING = 1e-9
"""The relative difference between two sums in float64 in another order."""


class _Rows(Protocol):
    """Some windows of a part."""

    @property
    def windows(self) -> np.ndarray: ...

    @property
    def columns(self) -> dict[str, np.ndarray]: ...

    @property
    def computed_on(self) -> list[dict[str, Any]]: ...

    @property
    def origins(self) -> np.ndarray: ...


def find_problem(rows: _Rows, windows: range, kind: Kind, scored_tokens: int | None) -> str:
    """What is wrong with rows, as a clause; empty if nothing is.

    Args:
        windows: those of the part.
        scored_tokens: of each window; None if that is not known.
    """
    return _find_wrong_shape(rows, windows, kind, scored_tokens) or _VALUES.get(kind.name, lambda _: "")(rows.columns)


def _find_wrong_shape(rows: _Rows, windows: range, kind: Kind, scored_tokens: int | None) -> str:
    numbers, columns = rows.windows, rows.columns
    if list(columns) != list(kind.columns):
        return "other columns"
    if numbers.dtype != np.int32 or numbers.ndim != 1 or not len(numbers) or (np.diff(numbers) <= 0).any():
        return "windows that are not numbered in order"
    if numbers[0] < windows.start or numbers[-1] >= windows.stop:
        return "windows of another part"
    for name, column in kind.columns.items():
        values = columns[name]
        if values.dtype != column.dtype or values.ndim != 1 + (column.per_token or column.width > 1):
            return f"{name} of another type"
        if len(values) != len(numbers):
            return f"{name} of another length"
    tokens = {columns[name].shape[1] / column.width for name, column in kind.columns.items() if column.per_token}
    if len(tokens) > 1 or not all(tokens) or (tokens and scored_tokens and tokens != {scored_tokens}):
        return f"windows of {', '.join(f'{count:g}' for count in sorted(tokens))} scored tokens"
    if not isinstance(rows.computed_on, list) or not all(isinstance(origin, dict) for origin in rows.computed_on):
        return "no list of what computed them"
    if rows.origins.min() < 0 or rows.origins.max() >= len(rows.computed_on):
        return "windows that nothing computed"
    return ""


def _find_wrong_scores(columns: dict[str, np.ndarray]) -> str:
    """What is wrong with columns of `SCORES`."""
    log_probs, ranks = columns["token_log_probs"], columns["token_ranks"]
    for name in ("token_log_probs", "token_log_top_k_mass"):
        if not (np.isfinite(columns[name]) & (columns[name] <= 0)).all():
            return f"{name} that are no logarithms of probabilities"
    for name in ("token_ranks", "top_token_ids"):
        if not ((columns[name] >= 0) & (columns[name] < _MOST_TOKENS)).all():
            return f"{name} that no vocabulary has"
    if not np.allclose(columns["log_p_z"], log_probs.sum(axis=1, dtype=np.float64), rtol=_ROUNDING, atol=_ROUNDING):
        return "log_p_z that is not the sum of its tokens"
    if not (columns["log_p_z_top_k"] <= 0).all():  # not NaN either
        return "log_p_z_top_k that is no logarithm of a probability"
    if (columns["greedy"] != (ranks == 0).all(axis=1)).any():
        return "greedy that contradicts the ranks"
    return ""


_VALUES: dict[str, Callable[[dict[str, np.ndarray]], str]] = {SCORES.name: _find_wrong_scores}
"""Checks of values, by kind."""
