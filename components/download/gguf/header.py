"""The header of a GGUF file: its fields, and where its tensors lie.

    "GGUF", version, counts | fields: name, type, value | tensors: name, shape, type, offset | padding | tensors' bytes

The file is read by ranges, so it may lie in a bucket or on the Hub. Every count and length is compared with what is
left of the file before memory is taken for it. Source: docs/gguf.md of https://github.com/ggml-org/ggml.
"""

import dataclasses
import itertools
import math
import struct
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.families.fields import mark_ignored
from byheart.models.mistaken import check_no_pointer
from byheart.store import Place

_MAGIC, _VERSIONS = b"GGUF", (2, 3)
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Types of numbers, and what `struct` calls them."""
_STRING, _ARRAY = 8, 9
_MOST_HEADER_BYTES = 100_000_000
"""The safetensors library's limit for its own headers; a vocabulary of 256,000 tokens needs about 10 MB."""
_MOST_ELEMENTS = 2**22
"""Elements of all arrays together: as Python objects, strings take some 60 bytes more than in the file."""
_MOST_FIELDS, _MOST_TENSORS, _MOST_DIMENSIONS = 2**12, 2**16, 4
_FIRST_READ_BYTES = 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class GgufTensor:
    """A tensor in a GGUF file."""

    type: str
    """The format of its numbers, as ggml names it: F32, Q4_1, ..."""
    shape: tuple[int, ...]
    start: int
    """The offset of its first byte in the file."""
    stop: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class GgufFile:
    """A GGUF file whose header was read."""

    place: Place
    file: str
    fields: dict[str, Any]
    """Numbers, texts, and tuples of them, by name."""
    tensors: dict[str, GgufTensor]

    @property
    def path(self) -> str:
        """The file's address, as messages show it."""
        return self.place.locate(self.file)

    def read(self, tensor: GgufTensor, start: int, stop: int) -> bytes:
        """The tensor's bytes from `start` up to `stop`."""
        return self.place.read_range(self.file, tensor.start + start, tensor.start + stop)

    def refuse(self, needed: str, found: str, remedy: str) -> NoReturn:
        """Raise the error of a file that cannot be used."""
        raise ModelError(f"{self.path} is a GGUF file and must {needed}, found {found}: {remedy}", parameter="model")


def read_gguf(place: Place, file: str, ignored: Iterable[str] = ()) -> GgufFile:
    """The header of a GGUF file; the values of ignored fields are marked, for `Fields`.

    Raises:
        ModelError: it is no GGUF file of version 2 or 3, or it is damaged.
    """
    stored = place.find(file)
    reader = _Reader(place, file, stored.size_bytes if stored else 0)
    try:
        if reader.take(len(_MAGIC)) != _MAGIC:
            check_no_pointer(place.read_range(file, 0, min(_FIRST_READ_BYTES, reader.size_bytes)), place.locate(file))
            raise _DamageError("other first bytes than GGUF")
        version = reader.number("I")
        if version not in _VERSIONS:
            raise _DamageError(f"version {version}, not 2 or 3")
        tensors, fields = reader.count(_MOST_TENSORS, "tensors"), reader.count(_MOST_FIELDS, "fields")
        values = dict(_list_once(((reader.string(), reader.value()) for _ in range(fields)), "field"))
        infos = dict(_list_once(((reader.string(), reader.tensor()) for _ in range(tensors)), "tensor"))
        located = _locate_tensors(infos, values.get("general.alignment", 32), reader)
    except _DamageError as error:
        raise ModelError(
            f"{place.locate(file)} must be a whole GGUF file, found damage ({error}): fetch it again",
            parameter="model",
        ) from None
    marked = frozenset(name for name in ignored if name.startswith(f"{values.get('general.architecture')}."))
    return GgufFile(place=place, file=file, fields=mark_ignored(values, marked), tensors=located)


class _DamageError(Exception):
    """What is wrong with a file."""


class _Reader:
    """Reads values one after the other, and never past the end of the file."""

    def __init__(self, place: Place, file: str, size_bytes: int) -> None:
        self._place, self._file, self.size_bytes = place, file, size_bytes
        self._data, self.at, self._elements = b"", 0, 0

    def take(self, size_bytes: int) -> bytes:
        """The next bytes."""
        stop = self.at + size_bytes
        if stop > min(self.size_bytes, _MOST_HEADER_BYTES):
            raise _DamageError(f"a header that does not end before byte {min(self.size_bytes, _MOST_HEADER_BYTES):,}")
        if stop > len(self._data):
            ahead = min(max(stop, 2 * len(self._data), _FIRST_READ_BYTES), self.size_bytes)
            self._data += self._place.read_range(self._file, len(self._data), ahead)
        data = self._data[self.at : stop]
        self.at = stop
        return data

    def number(self, code: str) -> Any:
        """The next number."""
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))
        return value

    def count(self, most: int, what: str) -> int:
        """The next count, at most `most`."""
        count: int = self.number("Q")
        if count > most:
            raise _DamageError(f"{count:,} {what}, more than {most:,}")
        return count

    def string(self) -> str:
        """The next text."""
        try:
            return self.take(self.number("Q")).decode()
        except UnicodeDecodeError:
            raise _DamageError("text that is no UTF-8") from None

    def value(self) -> Any:
        """The next value of a field, after its type."""
        kind = self.number("I")
        return self._array() if kind == _ARRAY else self._scalar(kind)

    def tensor(self) -> tuple[tuple[int, ...], int, int]:
        """The shape, outermost axis first, the type and the offset of the next tensor."""
        dimensions = self.number("I")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise _DamageError(f"a tensor of {dimensions:,} dimensions")
        shape = tuple(self.number("Q") for _ in range(dimensions))
        return shape[::-1], self.number("I"), self.number("Q")

    def _scalar(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind not in _NUMBERS:
            raise _DamageError(f"a value of type {kind}")
        value = self.number(_NUMBERS[kind])
        # 1e-05, which was meant, and not 9.999999747378752e-06
        return float(str(np.float32(value))) if _NUMBERS[kind] == "f" else value

    def _array(self) -> tuple[Any, ...]:
        kind, count = self.number("I"), self.count(_MOST_ELEMENTS, "elements of a list")
        self._elements += count
        if self._elements > _MOST_ELEMENTS:
            raise _DamageError(f"lists of more than {_MOST_ELEMENTS:,} elements")
        if kind == _STRING:
            return tuple(self.string() for _ in range(count))
        if kind not in _NUMBERS:
            raise _DamageError(f"a list of values of type {kind}")
        code = _NUMBERS[kind]
        return struct.unpack(f"<{count}{code}", self.take(struct.calcsize(f"<{count}{code}")))


def _list_once(entries: Iterable[tuple[str, Any]], what: str) -> Iterable[tuple[str, Any]]:
    """Yield the entries, after a check that no name comes twice."""
    names = set()
    for name, value in entries:
        if name in names:
            raise _DamageError(f"a {what} that comes twice: {name[:60]}")
        names.add(name)
        yield name, value


def _locate_tensors(
    infos: dict[str, tuple[tuple[int, ...], int, int]], alignment: Any, reader: _Reader
) -> dict[str, GgufTensor]:
    """The tensors, after a check that they lie within the file and not over one another."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType  # a quarter of a second, which others save

    if type(alignment) is not int or alignment < 8 or alignment % 8:
        raise _DamageError(f"an alignment of {alignment}")
    first = -(-reader.at // alignment) * alignment
    tensors = {}
    for name, (shape, number, offset) in infos.items():
        try:
            kind = GGMLQuantizationType(number)
        except ValueError:
            raise _DamageError(f"{name[:60]} of the unknown type {number}") from None
        elements, block_bytes = GGML_QUANT_SIZES[kind]
        if shape[-1] % elements or min(shape) < 1:
            raise _DamageError(f"{name[:60]} of shape {list(shape)}, in blocks of {elements}")
        start = first + offset
        stop = start + math.prod(shape) // elements * block_bytes
        if offset % alignment or stop > reader.size_bytes:
            raise _DamageError(f"{name[:60]} at bytes {start:,} to {stop:,} of {reader.size_bytes:,}")
        tensors[name] = GgufTensor(type=kind.name, shape=shape, start=start, stop=stop)
    ordered = sorted(tensors.items(), key=lambda item: item[1].start)
    for (name, before), (_, after) in itertools.pairwise(ordered):
        if after.start < before.stop:
            raise _DamageError(f"{name[:60]} lies over another tensor")
    return tensors
