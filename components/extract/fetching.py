"""Logits on their way from the devices into the store, a few windows at a time."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import jax
import numpy as np
from jax import Array

from byheart.components.extract.writer import Writer
from byheart.contracts.errors import ModelError
from byheart.contracts.logits import KeptLogits
from byheart.scores.batches import Batch
from byheart.scores.logits import LogitsStore
from byheart.scores.wanted import Wanted

_BLOCK_BYTES = 32 * 2**20
"""Windows are fetched together up to this size; a larger window alone."""
_WAITING_BYTES = 256 * 2**20
"""The most bytes that wait to be written."""
_MOST_WAITING = 1024
_FEWEST_THREADS, _MOST_THREADS, _WRITING_BYTES = 8, 64, 16 * 2**20
"""Of windows that are written at once, the more the smaller they are: small objects wait for the network's answers."""
_INFINITE = 0x7C00
"""The bits of infinity in float16."""


def make_logits_writer(kept: KeptLogits | None) -> Writer:
    """A writer that writes several windows at once, and lets at most `_WAITING_BYTES` wait."""
    size = kept.window_bytes if kept else _WAITING_BYTES
    threads = min(max(_WRITING_BYTES // size, _FEWEST_THREADS), _MOST_THREADS)
    return Writer(threads=threads, waiting=min(max(_WAITING_BYTES // size, 1), _MOST_WAITING))


def write_wanted(
    wanted: Wanted,
    replace: bool,
    submit: Callable[[Callable[[], object]], None],
    batch: Batch,
    logits: dict[str, Array],
) -> None:
    """Fetch the logits of a batch, and submit a write for each window whose logits are missing.

    Args:
        replace: overwrite logits that are in the store.
        logits: on the devices, [B, R, N] each; B is at least the batch's windows.
    """
    store, missing = wanted.logits_store, wanted.logits.get(batch.part)
    if store is None or missing is None:
        return
    rows, address = np.flatnonzero(np.isin(batch.windows, missing)), batch.part.address
    for row, arrays in fetch_rows(logits, rows):
        submit(partial(_write, store, address, int(batch.windows[row]), arrays, replace=replace))


def _write(store: LogitsStore, address: str, window: int, arrays: Mapping[str, np.ndarray], *, replace: bool) -> None:
    for values in arrays.values():
        if values.dtype == np.float16 and (values.view(np.uint16) == _INFINITE).any():
            raise ModelError(
                f"logits must be below {np.finfo(np.float16).max:,.0f} to be kept in float16, found a larger one: set "
                "logits_dtype=float32",
                parameter="logits",
            )
    store.write(address, window, arrays, replace=replace)


def fetch_rows(logits: Mapping[str, Array], rows: np.ndarray) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """These rows of arrays [B, ...] that share their division over devices: each number with its arrays.

    Only blocks of `_BLOCK_BYTES` are on the host at once; what is not asked for is not fetched.

    Args:
        rows: ascending.
    """
    first_array = next(iter(logits.values()))
    row_bytes = sum(array.nbytes for array in logits.values()) // len(first_array)
    ranges = sorted({shard.index[0].indices(len(first_array))[:2] for shard in first_array.addressable_shards})
    for start, stop in ranges:
        length = _choose_block(stop - start, _BLOCK_BYTES // row_bytes)
        for first in range(start, stop, length):
            wanted = rows[(rows >= first) & (rows < first + length)]
            if len(wanted):
                blocks = {name: _fetch_block(array, start, first, length) for name, array in logits.items()}
                for row in wanted.tolist():
                    yield row, {name: block[row - first] for name, block in blocks.items()}


def _choose_block(rows: int, most: int) -> int:
    """The largest divisor of `rows` that is at most `most`, and at least 1: so all blocks have one shape."""
    return next(length for length in range(max(min(rows, most), 1), 0, -1) if rows % length == 0)


def _fetch_block(array: Array, start: int, first: int, length: int) -> np.ndarray:
    """Rows of an array, from the devices that have those from `start` on, each a share of the other axes."""
    block = np.empty((length, *array.shape[1:]), array.dtype)
    for shard in array.addressable_shards:
        rows, *others = shard.index
        if shard.replica_id == 0 and (rows.start or 0) == start:
            block[(slice(None), *others)] = np.asarray(_take_rows(shard.data, first - start, length))
    return block


@partial(jax.jit, static_argnums=2)
def _take_rows(array: Array, first: int, length: int) -> Array:
    return jax.lax.dynamic_slice_in_dim(array, first, length)
