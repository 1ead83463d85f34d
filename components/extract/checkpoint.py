"""Loading weights from a model's safetensors to devices.

The stacks of all layers are created on the devices first. Then each file is read once, from its beginning to its end,
and compared with its hash; several files at once, where there are cores. Their tensors are cut into pieces of a few
rows, converted, several at once, and written into the stacks. Host memory holds a few pieces, whatever the model's
size; and a tensor of each file that is read, if its rows are divided over devices, since a piece has rows of all of
them. What a piece needs from elsewhere, such as the scales of quantised numbers or an adapter's matrices, is read ahead
of it, and compared with what the file has there when it is read as a whole.
"""

import dataclasses
import functools
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from byheart.components.extract.decoder import Params
from byheart.components.extract.pieces import Ahead, Piece, ReadAhead
from byheart.components.extract.sharding import Sharding
from byheart.contracts.errors import ModelError
from byheart.models.encoding import find_encoding
from byheart.models.folder import ModelFolder
from byheart.models.hashed import Spans, read_spans
from byheart.models.parameters import Parameter
from byheart.models.published import find_published
from byheart.models.tensors import Tensor, parse_header
from byheart.store.in_order import map_in_order, merge

PIECE_BYTES = 32 * 2**20
"""The size of a device's share of a piece; a share has at least one row."""
_CONVERTERS = 4
"""Pieces that are converted in parallel."""
_FLYING = 4
"""Pieces that are on their way to the devices; a host that reads faster than they take would fill its memory."""
_LEAST_READERS, _MOST_READERS = 4, 12
"""Blocks that are read in parallel; the memory of a host bounds them."""
_READERS_AHEAD = 8
"""Pieces ahead of the one that is converted for which the scales are read: each is a request of its own."""


def load(
    model: ModelFolder, dtype: DTypeLike | None, sharding: Sharding, report: Callable[[int], None] = lambda _: None
) -> Params:
    """The decoder's weights on their devices, converted to `dtype`; those of all layers are stacked.

    Args:
        dtype: None leaves each parameter in the precision in which it was published.
        report: called with the number of elements that were loaded since the last call.

    Raises:
        ModelError: a file is damaged, or not the one that was hashed.
    """
    tensors = model.read_tensor_headers()
    leaves, tree = jax.tree.flatten(model.describe_parameters())

    def convert(read: tuple[Piece, bytes, list[bytes]]) -> tuple[Piece, np.ndarray]:
        piece, data, ahead = read
        parameter = piece.parameter
        values = piece.decode(tensors, data, ahead).reshape(-1, *parameter.view[1:])
        values = values[:, *(slice(*side) for side in parameter.box[1:])].transpose(parameter.order)
        sides = [*[1] * parameter.stacked, *parameter.shape[parameter.stacked :]]
        sides[parameter.row_axis] = -1
        return piece, values.reshape(sides).astype(shapes[piece.leaf].dtype, copy=False)

    shapes = jax.tree.leaves(describe(model, dtype, sharding))
    shardings = [shape.sharding for shape in shapes]
    params = [_compile_zeros(shape.shape, shape.dtype, shape.sharding)() for shape in shapes]
    pieces = [
        dataclasses.replace(
            piece,
            encoding=find_encoding(piece.tensor, tensors, model.quantisation),
            change=model.changes.get(piece.tensor),
        )
        for leaf, parameter in enumerate(leaves)
        for piece in _divide(leaf, parameter, sharding)
    ]
    flying: deque[int] = deque()
    for piece, values in map_in_order(
        convert, _read_pieces(model, tensors, pieces), threads=_CONVERTERS, ahead=_CONVERTERS
    ):
        leaf, at = piece.leaf, np.asarray(piece.at, np.int32)
        params[leaf] = _put(params[leaf], jax.device_put(values, shardings[leaf]), at, shardings[leaf])
        flying.append(leaf)
        if len(flying) > _FLYING:
            params[flying.popleft()].block_until_ready()
        report(values.size)
    return jax.tree.unflatten(tree, params)


def describe(model: ModelFolder, dtype: DTypeLike | None, sharding: Sharding) -> Any:
    """The shapes, dtypes and shardings of what `load` returns, for which a program can be compiled before."""
    tensors = model.read_tensor_headers()

    def describe_one(parameter: Parameter) -> jax.ShapeDtypeStruct:
        own = find_published(model, parameter, tensors) if dtype is None else dtype
        return jax.ShapeDtypeStruct(
            parameter.shape, _choose_dtype(parameter, own), sharding=sharding.shard_weights(parameter)
        )

    return jax.tree.map(describe_one, model.describe_parameters())


@functools.cache
def _compile_zeros(shape: tuple[int, ...], dtype: np.dtype, sharding: NamedSharding) -> Callable[[], Array]:
    """A function that creates an empty stack on its devices; stacks that are alike share it."""
    return jax.jit(functools.partial(jnp.zeros, shape, dtype), out_shardings=sharding)


def _choose_dtype(parameter: Parameter, dtype: DTypeLike) -> np.dtype:
    """The dtype that a parameter has on devices, where the others have `dtype`."""
    return jnp.dtype(jnp.float32 if parameter.is_float32 else dtype)


def _read_pieces(
    model: ModelFolder, tensors: Mapping[str, Tensor], pieces: Iterable[Piece]
) -> Iterator[tuple[Piece, bytes, list[bytes]]]:
    """Each piece with its bytes, file by file, and with those that were read ahead for it."""
    by_file: dict[str, list[tuple[Spans, Piece | Ahead]]] = {}
    read_ahead = ReadAhead(model.place)
    for piece in pieces:
        for ahead in piece.list_ahead(tensors):
            by_file.setdefault(ahead.file, []).append(([ahead.span], ahead))
        by_file.setdefault(tensors[piece.tensor].file, []).append((piece.locate(tensors[piece.tensor]), piece))
    files, readers = share_readers(os.cpu_count() or 1)

    def read_file(file: str) -> Iterator[tuple[Piece, bytes, list[bytes]]]:
        of_file = by_file[file]
        of_file.sort(key=lambda item: item[0][-1][1])
        header = [(0, min(tensor.start for tensor in tensors.values() if tensor.file == file))]
        wanted = [header, *(spans for spans, _ in of_file)]
        data = read_spans(model.place, file, wanted, model.digests.get(file), readers=readers)
        hashed = parse_header(model.place, file, next(data))  # the tensors may have been read from another header
        needed = (item.list_ahead(tensors) if isinstance(item, Piece) else [] for _, item in of_file)
        before = map_in_order(read_ahead.read_all, needed, threads=_READERS_AHEAD, ahead=_READERS_AHEAD)
        for (_, item), read, ahead_of_it in zip(of_file, data, before, strict=True):
            if hashed.get(model.names[item.tensor]) != tensors[item.tensor]:
                raise ModelError(
                    f"{model.place.locate(file)} must not change while it is read, found another header: run again"
                )
            if isinstance(item, Piece):
                yield item, read, ahead_of_it
            else:
                read_ahead.compare(item, read)

    return merge(read_file, sorted(by_file), threads=files)


def share_readers(cores: int) -> tuple[int, int]:
    """How many files are read at once, and how many blocks of each.

    A machine's link is as wide as it has cores, more or less. A file is hashed from its beginning to its end, by one
    core; so several are, where there are cores for them.
    """
    readers = min(max(cores, _LEAST_READERS), _MOST_READERS)
    files = readers // _LEAST_READERS
    return files, readers // files


@functools.partial(jax.jit, donate_argnums=0, static_argnums=3)
def _put(stack: Array, values: Array, at: Array, sharding: NamedSharding) -> Array:
    """The stack with `values` written at the index `at` of each device's shard; it reuses the stack's memory."""

    def put(shard: Array, share: Array, at: Array) -> Array:
        return jax.lax.dynamic_update_slice(shard, share, [*at])

    spec = sharding.spec
    put_on_each = jax.shard_map(
        put, mesh=sharding.mesh, in_specs=(spec, spec, PartitionSpec()), out_specs=spec, check_vma=False
    )
    return put_on_each(stack, values, at)


def _divide(leaf: int, parameter: Parameter, sharding: Sharding) -> Iterator[Piece]:
    """The rows of a parameter's tensors in pieces of equal size; each device has a share of every piece."""
    names = parameter.name_tensors()
    axes = sharding.mesh.split(parameter)[parameter.row_axis]
    shares = math.prod(sharding.devices.shape[axis] for axis in axes)
    rows = parameter.rows // shares
    scale = parameter.shape[parameter.row_axis] // parameter.rows  # of the parameter's rows for each of the tensor's
    least_pieces = max(1, min(rows, -(-parameter.size * 4 // len(names) // PIECE_BYTES)))
    piece_rows = rows // next(count for count in range(least_pieces, rows + 1) if rows % count == 0)
    for index, tensor in names.items():
        for start in range(0, rows, piece_rows):
            starts = (share * rows + start for share in range(shares))
            ranges = tuple(range(first, first + piece_rows) for first in starts)
            at = [*index, *[0] * (len(parameter.shape) - len(index))]
            at[parameter.row_axis] = start * scale
            yield Piece(leaf=leaf, parameter=parameter, tensor=tensor, rows=ranges, at=tuple(at))
