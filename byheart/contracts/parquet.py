"""NumPy columns to Parquet bytes and back, with a digest of the whole file and a JSON note.

Parquet's own checksums cover pages, but not the footer that says where the pages are. So a SHA-256 of all other bytes
is written just before the footer, where readers of Parquet never look:

    PAR1 | column chunks | digest | footer | length of the footer, 4 bytes | PAR1
"""

import hashlib
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from byheart.contracts.errors import DamagedError

_NOTE = b"byheart"


def to_bytes(columns: dict[str, np.ndarray], note: dict[str, Any]) -> bytes:
    """A Parquet file of the columns, each 1-D, or 2-D with a list in each row; `note` is kept as metadata."""
    table = pa.table({name: _to_arrow(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({_NOTE: json.dumps(note, sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    data = buffer.getvalue()
    before_footer = len(data) - _footer_bytes(data)
    return data[:before_footer] + hashlib.sha256(data).digest() + data[before_footer:]


def from_bytes(
    data: bytes, *, name: str, columns: list[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The columns and the note of a file that `to_bytes` made.

    Args:
        name: the file's name in error messages.
        columns: the columns to read; None reads all.

    Raises:
        DamagedError: the file is cut short, or a byte of it has changed.
    """
    digest = hashlib.sha256()
    start_of_footer = max(len(data) - _footer_bytes(data), 0)
    digest.update(data[: max(start_of_footer - digest.digest_size, 0)])
    digest.update(data[start_of_footer:])
    if digest.digest() != data[max(start_of_footer - digest.digest_size, 0) : start_of_footer]:
        raise DamagedError(f"{name} must be as it was written, found that it is not: remove it and run again")
    try:
        # Without threads: pyarrow's sometimes abort a process that ends soon after (6 times in 100 with pq.read_table
        # and its datasets, 2 in 250 with a Python file).
        table = pq.ParquetFile(pa.BufferReader(data)).read(columns=columns, use_threads=False)
        note = json.loads((table.schema.metadata or {})[_NOTE])
        return {column: _to_numpy(table[column]) for column in table.column_names}, note
    except (pa.ArrowException, OSError, KeyError, ValueError, RecursionError) as error:
        raise DamagedError(f"{name} must be one of this program's files, found another ({error}): remove it") from None


def _footer_bytes(data: bytes) -> int:
    """The length of a Parquet file's footer, its length field and the final magic number included."""
    return int.from_bytes(data[-8:-4], "little") + 8


def _to_arrow(values: np.ndarray) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    rows, width = values.shape
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), pa.array(values.ravel()))


def _to_numpy(column: pa.ChunkedArray) -> np.ndarray:
    if not pa.types.is_list(column.type):
        return column.to_numpy()
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)
