"""Weights on their way: from a model's safetensors, wherever they lie, to the devices that hold them.

Rows of a tensor are read, several pieces at once, converted, and put where they belong in the stack of all layers,
which is on the devices from the start: host memory holds a few pieces, whatever the model's size.
"""

import dataclasses
import functools
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

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

PIECE_BYTES = 64 * 2**20
"""About what is read at once for each device; more where a single row is longer."""
_READERS = 4
"""Pieces that are read or converted at once."""

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(jnp.bfloat16)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Piece:
    """Rows of a parameter that lie together in a tensor."""

    name: str
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
        report: is told of elements that are loaded.

    Raises:
        ModelError: a file is damaged.
    """
    tensors, layers = model.tensors(), model.decoder.layers
    of_model, of_layer = model.parameters()

    def read(piece: _Piece) -> np.ndarray:
        parameter, tensor = piece.parameter, tensors[piece.tensor]
        row_bytes = (tensor.stop - tensor.start) // parameter.view[0]
        first = tensor.start + parameter.box[0][0] * row_bytes
        spans = [(first + rows.start * row_bytes, first + rows.stop * row_bytes) for rows in piece.rows]
        data = b"".join(model.place.read_range(tensor.file, *span) for span in spans)
        values = np.frombuffer(data, _DTYPES[tensor.dtype]).reshape(-1, *parameter.view[1:])
        values = values[:, *(slice(*side) for side in parameter.box[1:])].astype(dtype)
        within_row = parameter.shape[1 + ("{expert}" in parameter.source) :]
        return values.reshape(*[1] * (len(piece.at) - 1), -1, *within_row)

    def zeros(parameter: Parameter, *, stacked: bool) -> Array:
        shape = (*[layers] * stacked, *parameter.shape)
        place = sharding.at_rest(parameter, stacked=stacked)
        return jax.jit(functools.partial(jnp.zeros, shape, dtype), out_shardings=place)()

    params: Params = {name: zeros(parameter, stacked=False) for name, parameter in of_model.items()}
    params["layers"] = {name: zeros(parameter, stacked=True) for name, parameter in of_layer.items()}
    pieces = [piece for name, parameter in of_model.items() for piece in _pieces(name, parameter, None, sharding)]
    for layer in range(layers):
        pieces += [piece for name, parameter in of_layer.items() for piece in _pieces(name, parameter, layer, sharding)]
    for piece, values in _read_ahead(pieces, read):
        stacked = piece.name in of_layer
        group = params["layers"] if stacked else params
        place = sharding.at_rest(piece.parameter, stacked=stacked)
        at = np.asarray(piece.at, np.int32)
        group[piece.name] = _put(group[piece.name], jax.device_put(values, place), at, place)
        report(values.size)
    return params


@functools.partial(jax.jit, donate_argnums=0, static_argnums=3)
def _put(stack: Array, values: Array, at: Array, place: NamedSharding) -> Array:
    """The stack with each device's share of `values` where it belongs; its memory is used again."""

    def put(own: Array, share: Array, at: Array) -> Array:
        return jax.lax.dynamic_update_slice(own, share, [*at, *[0] * (own.ndim - at.size)])

    specs = (place.spec, place.spec, PartitionSpec())
    return jax.shard_map(put, mesh=place.mesh, in_specs=specs, out_specs=place.spec, check_vma=False)(stack, values, at)


def _pieces(name: str, parameter: Parameter, layer: int | None, sharding: Sharding) -> Iterator[_Piece]:
    """A parameter's rows in pieces of one size, of which each device has its share."""
    names, by_expert = parameter.tensors(layer), "{expert}" in parameter.source
    axes = sharding.paper.split(parameter)[int(by_expert)]
    shares = math.prod(sharding.devices.shape[axis] for axis in axes)
    rows = (parameter.box[0][1] - parameter.box[0][0]) // shares
    wanted = max(1, min(rows, -(-parameter.size * 4 // len(names) // PIECE_BYTES)))
    each = rows // next(count for count in range(wanted, rows + 1) if rows % count == 0)
    for expert, tensor in enumerate(names):
        for start in range(0, rows, each):
            where = (*([layer] if layer is not None else []), *([expert] if by_expert else []), start)
            parts = tuple(range(share * rows + start, share * rows + start + each) for share in range(shares))
            yield _Piece(name=name, parameter=parameter, tensor=tensor, rows=parts, at=where)


def _read_ahead(pieces: list[_Piece], read: Callable[[_Piece], np.ndarray]) -> Iterator[tuple[_Piece, np.ndarray]]:
    """Each piece with its values, in order, a few ahead of the one at hand."""
    with ThreadPoolExecutor(_READERS) as pool:
        reads: deque[tuple[_Piece, Future[np.ndarray]]] = deque()
        try:
            for piece in pieces:
                reads.append((piece, pool.submit(read, piece)))
                if len(reads) > _READERS:
                    done, values = reads.popleft()
                    yield done, values.result()
            while reads:
                done, values = reads.popleft()
                yield done, values.result()
        finally:
            pool.shutdown(cancel_futures=True)
