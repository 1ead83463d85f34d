"""The tensors of a safetensors file, read from its header.

A file is eight bytes with the header's length, the header, which is a JSON object, and the tensors' bytes.
Source: the format's description at https://github.com/huggingface/safetensors.
"""

import dataclasses
import json
import math
from typing import Any

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.mistaken import check_no_pointer
from byheart.store import Place

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Bytes of an element, for the dtypes whose tensors can be loaded."""
_OTHER_BYTES = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_OTHER_BYTES |= {"F8_E4M3": 1, "F8_E5M2": 1}
_NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_FIRST_READ_BYTES = 2**18
"""Enough for the length and, in most files, the whole header."""
MOST_HEADER_BYTES = 2**25
"""Bytes of all headers of a model: 150 for each of 200,000 tensors."""
LEAST_HEADER_BYTES = 2**20
"""What one file's header may have, however many files there are."""
_MOST_SIDES = 16
_COMPARED_BYTES, _COMPARED_PLACES = 2**16, 8
"""Bytes of a place where two tensors are compared, and the number of places but one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor in a file."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """The offset of its first byte in the file."""
    stop: int

    def read(self, place: Place) -> bytes:
        """The tensor's bytes."""
        return place.read_range(self.file, self.start, self.stop)


def read_tensors(place: Place, file: str, most: int = MOST_HEADER_BYTES) -> dict[str, Tensor]:
    """The tensors of a file by name, in at most three requests.

    Args:
        most: the most bytes of the header.

    Raises:
        ModelError: it is no safetensors file, or it is damaged.
    """
    stored = place.find(file)
    size = stored.size_bytes if stored else 0
    first = place.read_range(file, 0, min(_FIRST_READ_BYTES, size))
    check_no_pointer(first, place.locate(file))
    length = int.from_bytes(first[:8], "little") if size > 8 else -1
    if not 0 < length <= min(most, size - 8):
        raise _report_damage(place, file, "a header that does not fit")
    header = first if len(first) >= 8 + length else first + place.read_range(file, len(first), 8 + length)
    tensors = parse_header(place, file, header)
    stop = 8 + length
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.stop)):
        if tensor.start != stop:
            raise _report_damage(place, file, "tensors that do not lie one after the other")
        stop = tensor.stop
    if stop != size:
        raise _report_damage(place, file, f"{size:,} bytes instead of {stop:,}")
    return tensors


def parse_header(place: Place, file: str, first: bytes) -> dict[str, Tensor]:
    """The tensors by name.

    Args:
        first: the file's bytes from its beginning at least to the end of the header.

    Raises:
        ModelError: it is no header.
    """
    length = int.from_bytes(first[:8], "little")
    try:
        content = json.loads(first[8 : 8 + length].decode())
        content.pop("__metadata__", None)
        return {name: _parse_tensor(file, 8 + length, entry) for name, entry in content.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _report_damage(place, file, f"{type(error).__name__} in its header") from None


def are_alike(place: Place, one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same dtype and shape, and the same bytes in places spread over them."""
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    size = one.stop - one.start
    starts = {max(size - _COMPARED_BYTES, 0) * step // _COMPARED_PLACES for step in range(_COMPARED_PLACES + 1)}

    def read(tensor: Tensor, start: int) -> bytes:
        first = tensor.start + start
        return place.read_range(tensor.file, first, min(first + _COMPARED_BYTES, tensor.stop))

    return all(read(one, start) == read(other, start) for start in sorted(starts))


def have_same_numbers(place: Place, one: Tensor, other: Tensor) -> bool:
    """Whether two tensors, of dtypes that may differ, have the same shape and the same numbers."""
    if one.shape != other.shape or {one.dtype, other.dtype} - _NUMBERS.keys():
        return False
    step = _COMPARED_BYTES // 8
    for start in range(0, math.prod(one.shape), step):
        before, after = (
            read_numbers(
                place.read_range(
                    tensor.file,
                    tensor.start + start * BYTES[tensor.dtype],
                    min(tensor.start + (start + step) * BYTES[tensor.dtype], tensor.stop),
                ),
                tensor.dtype,
            )
            for tensor in (one, other)
        )
        if not np.array_equal(before, after):
            return False
    return True


def read_numbers(data: bytes, dtype: str) -> np.ndarray:
    """The numbers of a tensor's bytes; BF16, the upper half of a float32, as that."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, _NUMBERS[dtype])


def _parse_tensor(file: str, first: int, entry: dict[str, Any]) -> Tensor:
    (start, stop), shape = entry["data_offsets"], entry["shape"]
    if len(shape) > _MOST_SIDES or max(start, stop, *shape, 0) > 2**62:
        raise ValueError("a size beyond any file")
    if not isinstance(shape, list) or any(type(number) is not int for number in (start, stop, *shape)):
        raise TypeError("no whole number")
    tensor = Tensor(file=file, dtype=str(entry["dtype"]), shape=tuple(shape), start=first + start, stop=first + stop)
    element_bytes = (BYTES | _OTHER_BYTES).get(tensor.dtype)
    if any(side < 0 for side in tensor.shape) or stop < start:
        raise ValueError("a negative size")
    if element_bytes and stop - start != element_bytes * math.prod(tensor.shape):
        raise ValueError("a size that is not the shape's")
    return tensor


def _report_damage(place: Place, file: str, damage: str) -> ModelError:
    return ModelError(
        f"{place.locate(file)} must be a whole safetensors file, found damage ({damage}): fetch the model again"
    )
