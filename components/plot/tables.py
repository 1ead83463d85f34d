"""The tables: windows.parquet, control_sample.parquet, passages.csv and chapters.csv of a book; tokens.parquet."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from byheart.contracts import parquet
from byheart.contracts.csv_tables import format_csv
from byheart.measures.chapters import ListedChapter, find_chapters
from byheart.measures.fields import list_fields
from byheart.measures.measured import MeasuredBook
from byheart.measures.passages import ListedPassage
from byheart.measures.provenance import BookProvenance, RunProvenance

_FIRST = ("scheme", "threshold")
_PASSAGE_COLUMNS = (*_FIRST, *(name for field in list_fields(ListedPassage) if (name := field.name) not in _FIRST))


_TOKENS = ("token_ids", "top_token_ids")
"""Columns that a tokenizer turns back into the text."""


def make_windows_table(measured: MeasuredBook, provenance: BookProvenance, *, with_tokens: bool) -> bytes:
    """A row for each window, as Parquet, with the provenance as metadata.

    Args:
        with_tokens: whether to write token ids; if not, each is -1.
    """
    columns = {
        "book": np.full(len(measured.windows), measured.book.name),
        "number": measured.selection.numbers(),
        "chapter": find_chapters(measured.book, measured.windows.suffix_start),
        **measured.windows.columns(),
        "unknown_tokens": measured.windows.count_unknown(provenance.tokenization.unknown_id),
        **measured.scores.columns(),
        "rescored": measured.rescored,
        **measured.repetition.columns(),
    }
    if not with_tokens:
        columns |= {name: np.full_like(columns[name], -1) for name in _TOKENS}
    return parquet.to_bytes(columns, msgspec.to_builtins(provenance))


def make_control_sample_table(measured: MeasuredBook, provenance: BookProvenance) -> bytes:
    """A row for each suffix of the control sample, as Parquet: its windows, and its scores under the other prompt."""
    sample, scores = measured.sample, measured.sample_scores
    columns = {
        "book": np.full(len(sample), measured.book.name),
        "suffix_window": sample.suffix_window,
        "prompt_window": sample.prompt_window,
        "log_p_z": scores.log_p_z,
        "log_p_z_top_k": scores.log_p_z_top_k,
        "rescored": measured.sample_rescored,
    }
    return parquet.to_bytes(columns, msgspec.to_builtins(provenance))


def make_tokens_table(pieces: Mapping[int, str], provenance: RunProvenance) -> bytes:
    """A row for each token, as Parquet: its id and its text."""
    columns = {"id": np.array([*pieces], np.int32), "text": np.array([*pieces.values()], object)}
    return parquet.to_bytes(columns, msgspec.to_builtins(provenance))


def make_passages_table(passages: Iterable[ListedPassage]) -> str:
    """A row for each passage, as CSV."""
    return format_csv(_PASSAGE_COLUMNS, map(vars, passages))


def make_chapters_table(chapters: Iterable[ListedChapter]) -> str:
    """A row for each chapter, as CSV; only a header if there are none."""
    return format_csv(ListedChapter.list_columns(), (dict(chapter.columns()) for chapter in chapters))
