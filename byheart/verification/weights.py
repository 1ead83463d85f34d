"""The tensors of a checkpoint as float64, read one at a time."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from byheart.models.tensors import Tensor, read_tensors
from byheart.store import Place
from byheart.verification.adapter import AdapterTensors
from byheart.verification.quantised import decode_4_bits, decode_8_bits, read_block

Floats = npt.NDArray[np.float64]

_CONFIG = "config.json"
_INDEX, _ONE_FILE = "model.safetensors.index.json", "model.safetensors"
_HEADS = ("lm_head.weight", "language_model.lm_head.weight", "embed_out.weight")
_BEFORE = ("model.language_model.", "language_model.model.", "language_model.", "model.", "")
"""What may stand before a tensor's name, in place of the family's own first word."""
_ROWS_BYTES = 2**26
"""About how many bytes of a tall matrix are read at a time."""
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class Weights:
    """The safetensors of a model folder, with the change that an adapter makes to them, if there is one.

    Args:
        adapter: the adapter's folder.
    """

    def __init__(self, place: Place, prefix: str = "", adapter: Place | None = None) -> None:
        self._place, self._prefix = place, prefix
        self._adapter = AdapterTensors(adapter, _read_family(place), _decode) if adapter else None
        files = {_ONE_FILE}
        if not place.find(_ONE_FILE):  # the whole file counts, as for transformers
            files = set(json.loads(place.read(_INDEX))["weight_map"].values())
        self._tensors: dict[str, Tensor] = {}
        for file in sorted(files):
            self._tensors |= read_tensors(place, file)

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name, or of one that transformers takes for it."""
        return self._find_name(name) in self._tensors

    def read(self, name: str) -> Floats:
        """A whole tensor."""
        if not self._adapter:
            return self._read(name)
        others = self._list_names(name)
        own = self._adapter.read(others)
        return self._adapter.change(others, self._read(name) if own is None else own)

    def _read(self, name: str) -> Floats:
        tensor = self._find(name)
        data = tensor.read(self._place)
        if tensor.dtype == "F8_E4M3":
            return decode_8_bits(data, tensor.shape, self.read(f"{name}_scale_inv"), read_block(self._place))
        return _decode(data, tensor.dtype).reshape(tensor.shape)

    def read_item(self, name: str, index: int) -> Floats:
        """One of the matrices or vectors that a tensor holds along its first axis; those of 4 bits are transposed."""
        if self.has(f"{name}_blocks"):
            blocks, scales = (self._find(name + ending) for ending in ("_blocks", "_scales"))
            numbers, exponents = self._read_item(blocks, index), self._read_item(scales, index)
            return decode_4_bits(numbers, exponents, blocks.shape[1:]).T
        tensor = self._find(name)
        return _decode(self._read_item(tensor, index), tensor.dtype).reshape(tensor.shape[1:])

    def _read_item(self, tensor: Tensor, index: int) -> bytes:
        size = (tensor.stop - tensor.start) // tensor.shape[0]
        first = tensor.start + index * size
        return self._place.read_range(tensor.file, first, first + size)

    def read_rows(self, name: str) -> Iterator[tuple[int, Floats]]:
        """The rows of a matrix, a stretch at a time, with the number of each stretch's first row."""
        others = self._list_names(name)
        own = self._adapter.read(others) if self._adapter else None
        if own is not None or self._find(name).dtype == "F8_E4M3":
            yield 0, self.read(name)
            return
        for first, values in self._read_rows(self._find(name)):
            yield first, self._adapter.change(others, values, first) if self._adapter else values

    def _read_rows(self, tensor: Tensor) -> Iterator[tuple[int, Floats]]:
        rows, row_bytes = tensor.shape[0], tensor.shape[1] * _BYTES[tensor.dtype]
        step = max(_ROWS_BYTES // row_bytes, 1)
        for first in range(0, rows, step):
            last = min(first + step, rows)
            data = self._place.read_range(
                tensor.file, tensor.start + first * row_bytes, tensor.start + last * row_bytes
            )
            yield first, _decode(data, tensor.dtype).reshape(last - first, tensor.shape[1])

    def _find(self, name: str) -> Tensor:
        return self._tensors[self._find_name(name)]

    def _find_name(self, name: str) -> str:
        """The checkpoint's name for a tensor: its own, or one that transformers takes for it."""
        own, *others = self._list_names(name)
        if name.partition(".")[2].startswith(("embed_", "wte.", "word_embeddings.")):
            others += _HEADS  # a tied head may be held under its own name alone
        return next((other for other in others if other in self._tensors), own) if own not in self._tensors else own

    def _list_names(self, name: str) -> list[str]:
        """The names of a tensor: its own, and those that transformers takes for it."""
        rest = name.partition(".")[2]
        return [self._prefix + name, *(_HEADS if name in _HEADS else [before + rest for before in _BEFORE])]


def _read_family(place: Place) -> str:
    return str(json.loads(place.read(_CONFIG)).get("model_type", ""))


def _decode(data: bytes, dtype: str) -> Floats:
    """Numbers of a safetensors file; BF16 is the upper half of a float32."""
    values: npt.NDArray[Any]
    if dtype == "BF16":
        values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(data, {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype])
    return values.astype(np.float64)
