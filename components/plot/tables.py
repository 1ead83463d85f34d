"""The tables of one book: windows.parquet, control_sample.parquet and passages.csv."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from byheart.contracts import parquet
from byheart.measures.fields import fields_of
from byheart.measures.measured import Measured
from byheart.measures.passages import ListedPassage
from byheart.measures.provenance import BookProvenance

_FIRST = ("scheme", "threshold")
_PASSAGE_COLUMNS = (*_FIRST, *(name for field in fields_of(ListedPassage) if (name := field.name) not in _FIRST))


def windows_table(measured: Measured, provenance: BookProvenance) -> bytes:
    """A row for each window, as Parquet, with the provenance as metadata."""
    columns = {
        "book": np.full(len(measured.windows), measured.book.name),
        "number": measured.selection.numbers(),
        **measured.windows.columns(),
        **measured.scores.columns(),
        **measured.repetition.columns(),
    }
    return parquet.to_bytes(columns, msgspec.to_builtins(provenance))


def control_sample_table(measured: Measured, provenance: BookProvenance) -> bytes:
    """A row for each suffix of the control sample, as Parquet: which windows, and the score under the other prompt."""
    sample, scores = measured.sample, measured.sample_scores
    columns = {
        "book": np.full(len(sample), measured.book.name),
        "suffix_window": sample.suffix_window,
        "prompt_window": sample.prompt_window,
        "log_p_z": scores.log_p_z,
        "log_p_z_top_k": scores.log_p_z_top_k,
    }
    return parquet.to_bytes(columns, msgspec.to_builtins(provenance))


def passages_table(found: Iterable[ListedPassage]) -> str:
    """A row for each passage, as CSV."""
    return as_csv(_PASSAGE_COLUMNS, map(vars, found))


def as_csv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    """Rows by column name, as CSV with a header; None is an empty field."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
