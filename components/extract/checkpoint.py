"""Loading weights from a model's safetensors to devices.

The stacks of all layers are created on the devices first. Then tensors are read in pieces of a few rows, several at
once, converted, and written into the stacks: host memory holds a few pieces, whatever the model's size.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from byheart.components.extract.decoder import Params
from byheart.components.extract.sharding import Sharding
from byheart.models.folder import ModelFolder
from byheart.models.parameters import Parameter
from byheart.store.in_order import map_in_order

PIECE_BYTES = 64 * 2**20
"""The size of a device's share of a piece; a share has at least one row."""
_READERS = 4
"""Pieces that are read or converted in parallel."""

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(jnp.bfloat16)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Piece:
    """Rows of a parameter that are loaded together, from one tensor."""

    leaf: int
    """The parameter's index among the leaves of the tree."""
    parameter: Parameter
    tensor: str
    rows: tuple[range, ...]
    """Of the parameter's rows in the tensor, a range for each device that the rows are divided over."""
    at: tuple[int, ...]
    """The index of the first row in a device's stack: the layer and the expert, if there are any, and the row."""


def load(
    model: ModelFolder, dtype: DTypeLike, sharding: Sharding, report: Callable[[int], None] = lambda _: None
) -> Params:
    """The decoder's weights on their devices, converted to `dtype`; those of all layers are stacked.

    Args:
        report: called with the number of elements that were loaded since the last call.

    Raises:
        ModelError: a file is damaged.
    """
    tensors = model.read_tensor_headers()
    leaves, tree = jax.tree.flatten(model.describe_parameters())

    def read(piece: _Piece) -> np.ndarray:
        parameter, tensor = piece.parameter, tensors[piece.tensor]
        row_bytes = (tensor.stop - tensor.start) // parameter.view[0]
        first = tensor.start + parameter.box[0][0] * row_bytes
        spans = [(first + rows.start * row_bytes, first + rows.stop * row_bytes) for rows in piece.rows]
        data = b"".join(model.place.read_range(tensor.file, *span) for span in spans)
        values = np.frombuffer(data, _DTYPES[tensor.dtype]).reshape(-1, *parameter.view[1:])
        values = values[:, *(slice(*side) for side in parameter.box[1:])].astype(dtype)
        return values.reshape(*[1] * (len(piece.at) - 1), -1, *parameter.shape[len(piece.at) :])

    def locate(piece: _Piece) -> tuple[str, int]:
        return tensors[piece.tensor].file, tensors[piece.tensor].start

    shardings = [sharding.shard_weights(parameter) for parameter in leaves]
    params = [
        jax.jit(functools.partial(jnp.zeros, parameter.shape, dtype), out_shardings=own)()
        for parameter, own in zip(leaves, shardings, strict=True)
    ]
    pieces = [piece for leaf, parameter in enumerate(leaves) for piece in _divide(leaf, parameter, sharding)]
    pieces.sort(key=locate)
    for piece, values in zip(pieces, map_in_order(read, pieces, threads=_READERS, ahead=_READERS), strict=True):
        leaf, at = piece.leaf, np.asarray(piece.at, np.int32)
        params[leaf] = _put(params[leaf], jax.device_put(values, shardings[leaf]), at, shardings[leaf])
        report(values.size)
    return jax.tree.unflatten(tree, params)


@functools.partial(jax.jit, donate_argnums=0, static_argnums=3)
def _put(stack: Array, values: Array, at: Array, sharding: NamedSharding) -> Array:
    """The stack with `values` written at the index `at` of each device's shard; it reuses the stack's memory."""

    def put(shard: Array, share: Array, at: Array) -> Array:
        return jax.lax.dynamic_update_slice(shard, share, [*at, *[0] * (shard.ndim - at.size)])

    spec = sharding.spec
    put_on_each = jax.shard_map(
        put, mesh=sharding.mesh, in_specs=(spec, spec, PartitionSpec()), out_specs=spec, check_vma=False
    )
    return put_on_each(stack, values, at)


def _divide(leaf: int, parameter: Parameter, sharding: Sharding) -> Iterator[_Piece]:
    """The rows of a parameter's tensors in pieces of equal size; each device has a share of every piece."""
    names = parameter.name_tensors()
    axes = sharding.mesh.split(parameter)[len(next(iter(names)))]
    shares = math.prod(sharding.devices.shape[axis] for axis in axes)
    rows = (parameter.box[0][1] - parameter.box[0][0]) // shares
    least_pieces = max(1, min(rows, -(-parameter.size * 4 // len(names) // PIECE_BYTES)))
    piece_rows = rows // next(count for count in range(least_pieces, rows + 1) if rows % count == 0)
    for index, tensor in names.items():
        for start in range(0, rows, piece_rows):
            starts = (share * rows + start for share in range(shares))
            ranges = tuple(range(first, first + piece_rows) for first in starts)
            yield _Piece(leaf=leaf, parameter=parameter, tensor=tensor, rows=ranges, at=(*index, start))
