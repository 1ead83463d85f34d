"""Weights on their way: from a model's safetensors, wherever they lie, to the devices that hold them.

Rows of a tensor are read, several pieces at once, converted, and put where they belong in the stack of all layers,
which is on the devices from the start: host memory holds a few pieces, whatever the model's size.
"""

import dataclasses
import functools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from components.extract.decoder import Params
from components.extract.sharding import Sharding
from components.models.folder import ModelFolder
from components.models.parameters import Parameter

PIECE_BYTES = 64 * 2**20
"""Of the checkpoint, in one read; more only where a single row is longer, or rows are divided over devices."""
_READERS = 4
"""Pieces that are read or converted at once."""

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(jnp.bfloat16)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Piece:
    """Rows of a parameter that lie together in a tensor."""

    name: str
    parameter: Parameter
    tensor: str
    start: int
    """The first row, of those that the parameter has in this tensor."""
    stop: int
    at: tuple[int, ...]
    """Where they belong in the stack: the layer if there are layers, the expert if there are experts, the row."""


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
        first = tensor.start + (parameter.box[0][0] + piece.start) * row_bytes
        data = model.place.read_range(tensor.file, first, first + (piece.stop - piece.start) * row_bytes)
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
        group[piece.name] = _put(group[piece.name], jax.device_put(values, place), np.asarray(piece.at, np.int32))
        report(values.size)
    return params


@functools.partial(jax.jit, donate_argnums=0)
def _put(stack: Array, values: Array, at: Array) -> Array:
    """The stack with `values` where they belong; its memory is used again."""
    starts = [*at, *[0] * (stack.ndim - at.size)]
    return jax.lax.dynamic_update_slice(stack, values, starts)


def _pieces(name: str, parameter: Parameter, layer: int | None, sharding: Sharding) -> Iterator[_Piece]:
    """A parameter's rows in pieces of one size; all of a tensor at once where its rows are divided over devices."""
    names = parameter.tensors(layer)
    by_expert = "{expert}" in parameter.source
    rows = parameter.box[0][1] - parameter.box[0][0]
    divided = sharding.at_rest(parameter, stacked=False).spec[int(by_expert)] is not None
    wanted = min(rows, -(-parameter.size // len(names) * 4 // PIECE_BYTES))
    each = rows if divided else rows // next(count for count in range(max(wanted, 1), rows + 1) if rows % count == 0)
    for expert, tensor in enumerate(names):
        for start in range(0, rows, each):
            at = (*([layer] if layer is not None else []), *([expert] if by_expert else []), start)
            yield _Piece(name=name, parameter=parameter, tensor=tensor, start=start, stop=start + each, at=at)


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
