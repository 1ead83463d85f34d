"""NumPy columns to Parquet bytes and back, with checksums and a JSON note."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.contracts.errors import DamagedError

_NOTE = b"byheart"


def to_bytes(columns: dict[str, np.ndarray], note: dict[str, Any]) -> bytes:
    """One Parquet file: a row for each element of the columns' first axis, 2-D columns as lists; `note` as metadata."""
    table = pa.table({name: _to_arrow(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({_NOTE: json.dumps(note, sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def from_bytes(
    data: bytes, *, name: str, columns: list[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The columns, or some of them, and the note of a file that `to_bytes` made; `name` is for the error.

    Raises:
        DamagedError: the file is cut short, or a page does not match its checksum.
    """
    try:
        table = pq.read_table(io.BytesIO(data), columns=columns, page_checksum_verification=True)
        note = json.loads((table.schema.metadata or {})[_NOTE])
        return {column: _to_numpy(table[column]) for column in table.column_names}, note
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        message = f"{name} must be a whole Parquet file, found damage ({error}): remove it and run again"
        raise DamagedError(message) from None


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
