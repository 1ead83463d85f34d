"""How a tensor of safetensors is made of the tensors of a GGUF file.

A tensor is made block by block, so that any range of its bytes needs only a few rows of the file:

    plain               a block is a row
    rotated by pairs    a block is a head, whose rows are put into another order
    fused by heads      a block is a group of heads: rows of the queries, of the keys, of the values
    transposed          a block is a matrix: the tensor, or an expert's part of it
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from byheart.components.download.gguf.header import GgufFile, GgufTensor

KEPT = {"F32": ("F32", "<f4"), "F16": ("F16", "<f2"), "BF16": ("BF16", "<u2")}
"""The types that safetensors have too, and what NumPy calls their bits; all others become float32."""
PACKED = ("U8", "u1")
_MOST_BLOCK_BYTES = 2**30
"""Of a block, which is held in memory; the largest of a published model has a third of it, in Llama 4."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a tensor that a block is made of: `count` from `first + block * count` on."""

    tensor: GgufTensor
    count: int
    first: int = 0


Arrange = Callable[..., np.ndarray]
"""Makes blocks [blocks, ...] of the rows [blocks, count, columns] of each source."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """A tensor of safetensors, and what it is made of."""

    name: str
    shape: tuple[int, ...]
    blocks: int
    sources: tuple[Rows, ...]
    """Without any, `arrange` makes float32 of nothing."""
    arrange: Arrange
    packed: bool = False
    """Whether the bytes of rows are rearranged and not dequantised."""

    @property
    def dtype(self) -> str:
        """The type, as safetensors name it."""
        return self._kind[0]

    @property
    def size_bytes(self) -> int:
        """The bytes of the tensor."""
        return math.prod(self.shape) * np.dtype(self._kind[1]).itemsize

    @property
    def block_bytes(self) -> int:
        """The bytes of a block."""
        return self.size_bytes // self.blocks

    def read(self, gguf: GgufFile, first: int, last: int) -> bytes:
        """The bytes of the blocks from `first` up to `last`."""
        kind = self._kind[1]
        rows = [_read_rows(gguf, rows, first, last, packed=self.packed) for rows in self.sources]
        if kind == "<f4":
            rows = [_widen(each) for each in rows]
        return np.ascontiguousarray(self.arrange(*rows), kind).tobytes()

    def check(self, gguf: GgufFile) -> None:
        """Refuse what cannot be read, before any tensor is read.

        Raises:
            ModelError: a type cannot be dequantised, rows are no whole blocks, or a block is too large.
        """
        for rows in self.sources:
            if count_rows(rows.tensor) < rows.first + rows.count * self.blocks:
                gguf.refuse(
                    f"hold {self.blocks} blocks of {rows.count} rows for {self.name}",
                    f"{list(rows.tensor.shape)}",
                    "fetch it again",
                )
            if not self.packed:
                _check_readable(gguf, rows.tensor, self.name)
        if self.block_bytes > _MOST_BLOCK_BYTES:
            gguf.refuse(f"hold {self.name} in blocks of a gibibyte", f"{list(self.shape)}", "name its safetensors")

    @property
    def _kind(self) -> tuple[str, str]:
        if self.packed:
            return PACKED
        kinds = {KEPT.get(rows.tensor.type, KEPT["F32"]) for rows in self.sources}
        return kinds.pop() if len(kinds) == 1 else KEPT["F32"]


def count_rows(tensor: GgufTensor) -> int:
    """The rows of a tensor; each number of a vector is a row."""
    return math.prod(tensor.shape[:-1]) if len(tensor.shape) > 1 else tensor.shape[0]


def count_columns(tensor: GgufTensor) -> int:
    """The numbers of a row."""
    return tensor.shape[-1] if len(tensor.shape) > 1 else 1


def check_shapes(gguf: GgufFile, name: str, tensors: Sequence[GgufTensor], shapes: Sequence[Sequence[int]]) -> None:
    """Refuse tensors of other shapes than those that make one."""
    found = [list(tensor.shape) for tensor in tensors]
    wanted = [list(shape) for shape in shapes]
    if found != wanted:
        gguf.refuse(f"hold {wanted} for {name}"[:200], f"{found}"[:200], "fetch it again")


def _read_rows(gguf: GgufFile, rows: Rows, first: int, last: int, *, packed: bool) -> np.ndarray:
    """The rows of blocks, [blocks, count, columns]."""
    tensor = rows.tensor
    row_bytes = (tensor.stop - tensor.start) // count_rows(tensor)
    low, high = rows.first + first * rows.count, rows.first + last * rows.count
    data = np.frombuffer(gguf.read(tensor, low * row_bytes, high * row_bytes), np.uint8).reshape(high - low, row_bytes)
    if not packed:
        data = data.view(KEPT[tensor.type][1]) if tensor.type in KEPT else _dequantise(data, tensor.type)
    return data.reshape(last - first, rows.count, -1)


def _widen(rows: np.ndarray) -> np.ndarray:
    """Rows as float32; those of whole numbers are the bits of bfloat16."""
    if rows.dtype == np.uint16:
        return (rows.astype("<u4") << 16).view("<f4")
    return rows.astype("<f4", copy=False)


def _check_readable(gguf: GgufFile, tensor: GgufTensor, name: str) -> None:
    """Refuse a type that the library cannot dequantise."""
    if tensor.type in KEPT:
        return
    if len(tensor.shape) == 1:
        gguf.refuse(f"hold {name} as F32, F16 or BF16", tensor.type, "name its safetensors")
    try:
        _dequantise(np.zeros((1, (tensor.stop - tensor.start) // count_rows(tensor)), np.uint8), tensor.type)
    except NotImplementedError:
        gguf.refuse("hold weights that can be dequantised", tensor.type, "choose another quantisation")


def _dequantise(rows: np.ndarray, kind: str) -> np.ndarray:
    """Rows of packed blocks, uint8 [rows, bytes], as float32 [rows, columns]."""
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    with np.errstate(all="ignore"):  # a damaged scale may be infinite: the score says so
        return np.asarray(dequantize(rows, GGMLQuantizationType[kind]), np.float32)
