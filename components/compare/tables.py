"""comparison.csv and comparison.parquet: a row for each number of a comparison."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from byheart.contracts import parquet
from byheart.contracts.csv_tables import format_csv
from byheart.measures.comparison.comparison import ModelComparison
from byheart.measures.comparison.rows import COLUMNS, ComparisonRow

_NUMBERS = ("value", "low", "high", "p", "blocks")
"""Columns of numbers, in which NaN is none; all others are texts."""


def make_csv(rows: Sequence[ComparisonRow]) -> str:
    """The rows as CSV; a number that there is not is an empty field."""
    return format_csv(COLUMNS, map(vars, rows))


def make_parquet(rows: Sequence[ComparisonRow], comparison: ModelComparison) -> bytes:
    """The rows as Parquet, with the provenance of each model's results as metadata."""
    columns = {name: _make_column(name, [getattr(row, name) for row in rows]) for name in COLUMNS}
    reference = comparison.reference
    note = {
        "models": {model.name: msgspec.to_builtins(model.provenance) for model in comparison.models},
        "reference": {reference.name: msgspec.to_builtins(reference.provenance)} if reference else None,
    }
    return parquet.to_bytes(columns, note)


def _make_column(name: str, values: Sequence[Any]) -> np.ndarray:
    if name in _NUMBERS:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array(values, object)
