"""NumPy columns to Parquet bytes and back, with a digest of the whole and a JSON note.

Parquet's own checksums cover pages, not the footer that says where they are. So a SHA-256 of all other bytes lies just
before the footer, where readers of Parquet never look:

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
    """One Parquet file: a row for each element of the columns' first axis, 2-D columns as lists; `note` as metadata."""
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
    """The columns, or some of them, and the note of a file that `to_bytes` made; `name` is for the error.

    Raises:
        DamagedError: the file is cut short, or any of its bytes is another than was written.
    """
    digest = hashlib.sha256()
    start_of_footer = max(len(data) - _footer_bytes(data), 0)
    digest.update(data[: max(start_of_footer - digest.digest_size, 0)])
    digest.update(data[start_of_footer:])
    if digest.digest() != data[max(start_of_footer - digest.digest_size, 0) : start_of_footer]:
        raise DamagedError(f"{name} must be as it was written, found that it is not: remove it and run again")
    try:
        # No thread is to read: those of pyarrow now and then abort a process that ends soon after (pq.read_table with
        # its datasets 6 times in 100, a Python file 2 in 250).
        table = pq.ParquetFile(pa.BufferReader(data)).read(columns=columns, use_threads=False)
        note = json.loads((table.schema.metadata or {})[_NOTE])
        return {column: _to_numpy(table[column]) for column in table.column_names}, note
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedError(f"{name} must be one of this program's files, found another ({error}): remove it") from None


def _footer_bytes(data: bytes) -> int:
    """The length of a Parquet file's footer, with the length itself and the magic number at the end."""
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
