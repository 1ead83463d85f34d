"""The tensors of a safetensors file, from its header alone, wherever the file lies.

A file is eight bytes that say how long its header is, the header, a JSON object, and the tensors' bytes.
Source: the format's description at https://github.com/huggingface/safetensors.
"""

import dataclasses
import json
import math
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.store import Place

BYTES = {"F32": 4, "F16": 2, "BF16": 2}
"""Bytes an element, of the dtypes that are read."""
_OTHER_BYTES = {"F64": 8, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_FIRST_READ = 2**18
"""Bytes: the length and, of most files, the whole header."""
_LONGEST = 100_000_000
"""Bytes of a header, as the library has it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor in a file."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """Where its bytes begin in the file."""
    stop: int

    def read(self, place: Place) -> bytes:
        """All its bytes."""
        return place.read_range(self.file, self.start, self.stop)


def read_tensors(place: Place, file: str) -> dict[str, Tensor]:
    """The tensors of a file by name; a few requests, however large it is.

    Raises:
        ModelError: it is no safetensors file, or not whole.
    """
    stored = place.find(file)
    size = stored.size_bytes if stored else 0
    first = place.read_range(file, 0, min(_FIRST_READ, size))
    length = int.from_bytes(first[:8], "little") if size > 8 else -1
    if not 0 < length <= min(_LONGEST, size - 8):
        raise _damage(place, file, "a header that does not fit")
    header = first[8:] if len(first) >= 8 + length else first[8:] + place.read_range(file, len(first), 8 + length)
    try:
        content = json.loads(header[:length].decode())
        content.pop("__metadata__", None)
        tensors = {name: _tensor(file, 8 + length, entry) for name, entry in content.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damage(place, file, f"{type(error).__name__} in its header") from None
    filled = 8 + length
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.stop)):
        if tensor.start != filled:
            raise _damage(place, file, "tensors that do not lie one after the other")
        filled = tensor.stop
    if filled != size:
        raise _damage(place, file, f"{size:,} bytes in place of {filled:,}")
    return tensors


def _tensor(file: str, first: int, entry: dict[str, Any]) -> Tensor:
    (start, stop), shape = entry["data_offsets"], entry["shape"]
    if not isinstance(shape, list) or any(type(number) is not int for number in (start, stop, *shape)):
        raise TypeError("no whole number")
    tensor = Tensor(file=file, dtype=str(entry["dtype"]), shape=tuple(shape), start=first + start, stop=first + stop)
    each = (BYTES | _OTHER_BYTES).get(tensor.dtype)
    if any(side < 0 for side in tensor.shape) or stop < start:
        raise ValueError("a negative size")
    if each and stop - start != each * math.prod(tensor.shape):
        raise ValueError("a size that is not the shape's")
    return tensor


def _damage(place: Place, file: str, found: str) -> ModelError:
    return ModelError(
        f"{place.locate(file)} must be a whole safetensors file, found damage ({found}): fetch the model again"
    )
