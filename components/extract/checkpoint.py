"""Weights on their way: from a model's safetensors, wherever they lie, to the devices that hold them.

Rows of a tensor are read, several pieces at once, converted, and put where they belong in the stack of all layers,
which is on the devices from the start: host memory holds a few pieces, whatever the model's size.
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
"""About what is read at once for each device; more where a single row is longer."""
_READERS = 4
"""Pieces that are read or converted at once."""

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(jnp.bfloat16)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Piece:
    """Rows of a parameter that lie together in a tensor."""

    place: int
    """Of the parameter, among the leaves of their tree."""
    parameter: Parameter
    tensor: str
    rows: tuple[range, ...]
    """Of those that the parameter has in this tensor; a range for each share of the devices that divide the rows."""
    at: tuple[int, ...]
    """Where they belong in a device's stack: the layer and the expert, as far as there are some, and the row."""


def load(
    model: ModelFolder, dtype: DTypeLike, sharding: Sharding, report: Callable[[int], None] = lambda _: None
) -> Params:
    """The decoder's parameters in `dtype`, whatever the checkpoint's, on their devices; layers are stacked.

    Args:
        report: called with the number of elements that have been loaded since.

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

    def where(piece: _Piece) -> tuple[str, int]:
        return tensors[piece.tensor].file, tensors[piece.tensor].start

    shardings = [sharding.at_rest(parameter) for parameter in leaves]
    params = [
        jax.jit(functools.partial(jnp.zeros, parameter.shape, dtype), out_shardings=one)()
        for parameter, one in zip(leaves, shardings, strict=True)
    ]
    pieces = [piece for place, parameter in enumerate(leaves) for piece in _pieces(place, parameter, sharding)]
    pieces.sort(key=where)
    for piece, values in zip(pieces, map_in_order(read, pieces, threads=_READERS, ahead=_READERS), strict=True):
        place, at = piece.place, np.asarray(piece.at, np.int32)
        params[place] = _put(params[place], jax.device_put(values, shardings[place]), at, shardings[place])
        report(values.size)
    return jax.tree.unflatten(tree, params)


@functools.partial(jax.jit, donate_argnums=0, static_argnums=3)
def _put(stack: Array, values: Array, at: Array, place: NamedSharding) -> Array:
    """The stack with each device's share of `values` where it belongs; its memory is used again."""

    def put(own: Array, share: Array, at: Array) -> Array:
        return jax.lax.dynamic_update_slice(own, share, [*at, *[0] * (own.ndim - at.size)])

    specs = (place.spec, place.spec, PartitionSpec())
    return jax.shard_map(put, mesh=place.mesh, in_specs=specs, out_specs=place.spec, check_vma=False)(stack, values, at)


def _pieces(place: int, parameter: Parameter, sharding: Sharding) -> Iterator[_Piece]:
    """The rows of a parameter's tensors in pieces of one size, of which each device has its share."""
    names = parameter.name_tensors()
    axes = sharding.paper.split(parameter)[len(next(iter(names)))]
    shares = math.prod(sharding.devices.shape[axis] for axis in axes)
    rows = (parameter.box[0][1] - parameter.box[0][0]) // shares
    wanted = max(1, min(rows, -(-parameter.size * 4 // len(names) // PIECE_BYTES)))
    each = rows // next(count for count in range(wanted, rows + 1) if rows % count == 0)
    for stacked_at, tensor in names.items():
        for start in range(0, rows, each):
            parts = tuple(range(share * rows + start, share * rows + start + each) for share in range(shares))
            yield _Piece(place=place, parameter=parameter, tensor=tensor, rows=parts, at=(*stacked_at, start))
