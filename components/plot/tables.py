"""The tables of one book: windows.parquet, control_sample.parquet and passages.csv."""

import csv
import io
from typing import Any

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.books import Book
from byheart.measures.measured import Measured
from byheart.measures.passages import Passage

_PASSAGE_COLUMNS = (
    "scheme", "threshold", "start", "stop", "characters", "chapter", "windows", "weakest_window", "weakest_log_p_z",
    "qualifying_share", "longest_consecutive", "repetitive_share",
)  # fmt: skip


def windows_table(measured: Measured, provenance: dict[str, Any]) -> bytes:
    """A row for each window, as Parquet, with the provenance as metadata."""
    columns = {
        "book": np.full(len(measured.windows), measured.book.name),
        **measured.windows.columns(),
        **measured.scores.columns(),
        **measured.repetition.columns(),
    }
    return parquet.to_bytes(columns, provenance)


def control_sample_table(measured: Measured, provenance: dict[str, Any]) -> bytes:
    """A row for each suffix of the control sample, as Parquet: which windows, and the score under the other prompt."""
    sample, scores = measured.sample, measured.sample_scores
    columns = {
        "book": np.full(len(sample), measured.book.name),
        "suffix_window": sample.suffix_window,
        "prompt_window": sample.prompt_window,
        "log_p_z": scores.log_p_z,
        "log_p_z_top_k": scores.log_p_z_top_k,
    }
    return parquet.to_bytes(columns, provenance)


def passages_table(measured: Measured, found: dict[str, dict[float, list[Passage]]]) -> str:
    """A row for each passage under each scheme at each threshold, as CSV."""
    repetitive = np.concatenate([[0], np.cumsum(_repetitive_characters(measured))])
    rows = (
        {
            "scheme": scheme,
            "threshold": threshold,
            "characters": passage.characters,
            "chapter": _chapter(measured.book, passage.start),
            "repetitive_share": round((repetitive[passage.stop] - repetitive[passage.start]) / passage.characters, 4),
            **vars(passage),
        }
        for scheme, by_threshold in found.items()
        for threshold, some in by_threshold.items()
        for passage in some
    )
    return as_csv(_PASSAGE_COLUMNS, rows)


def as_csv(columns: Any, rows: Any) -> str:
    """Rows by column name, as CSV with a header; None is an empty field."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _repetitive_characters(measured: Measured) -> np.ndarray:
    """bool [C]: whether each character lies in the suffix of a repetitive window."""
    which = measured.repetition.repetitive
    edges = np.zeros(len(measured.book.text) + 1, np.int64)
    np.add.at(edges, measured.windows.suffix_start[which], 1)
    np.add.at(edges, measured.windows.stop[which], -1)
    return np.cumsum(edges)[:-1] > 0


def _chapter(book: Book, position: int) -> str:
    """The title of the chapter that a character stands in; empty before the first."""
    return next((chapter.title for chapter in reversed(book.chapters) if chapter.start <= position), "")
