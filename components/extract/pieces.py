"""The pieces in which weights are loaded: rows of one tensor, and what must be read from elsewhere to decode them."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.adapter import Change
from byheart.models.encoding import Encoding
from byheart.models.hashed import Spans
from byheart.models.parameters import Parameter
from byheart.models.tensors import Tensor
from byheart.store import Place

_DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(jnp.bfloat16),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ahead:
    """Bytes of a tensor that are read before its file is read as a whole."""

    tensor: str
    file: str
    span: tuple[int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows of a parameter that are loaded together, from one tensor."""

    leaf: int
    """The parameter's index among the leaves of the tree."""
    parameter: Parameter
    tensor: str
    rows: tuple[range, ...]
    """Of the parameter's rows in the tensor, a range for each device that the rows are divided over."""
    at: tuple[int, ...]
    """The index in a device's stack where they begin: the layer and the expert, if there are any, and the rest."""
    encoding: Encoding | None = None
    """How the tensor is stored; None if it is plain."""
    change: Change | None = None
    """What an adapter merges into it; None if it stays as it is."""

    def locate(self, tensor: Tensor) -> Spans:
        """Where in the file each of the ranges of rows lies."""
        row_bytes = (tensor.stop - tensor.start) // self.parameter.view[0]
        first = tensor.start + self.parameter.box[0][0] * row_bytes
        return [(first + rows.start * row_bytes, first + rows.stop * row_bytes) for rows in self.rows]

    def list_ahead(self, tensors: Mapping[str, Tensor]) -> list[Ahead]:
        """The scales of each range of a quantised tensor; then what an adapter has for each range."""
        return [*self._list_scales(tensors), *(ahead for parts in self._list_changes(tensors) for ahead in parts)]

    def decode(self, tensors: Mapping[str, Tensor], data: bytes, ahead: Sequence[bytes]) -> np.ndarray:
        """The numbers of the rows, in the order of the tensor.

        Args:
            ahead: the bytes that `list_ahead` asks for.
        """
        if not self.encoding and not self.change:
            return np.frombuffer(data, _DTYPES[tensors[self.tensor].dtype])
        size, left = len(data) // len(self.rows), iter(ahead)
        shares = [data[first : first + size] for first in range(0, len(data), size)]
        ranges = self._list_tensor_rows()
        if self.encoding:
            dtype = tensors[self.encoding.scales_name].dtype
            found = [
                self.encoding.decode(share, next(left), dtype, rows) for share, rows in zip(shares, ranges, strict=True)
            ]
        else:
            found = [np.frombuffer(share, _DTYPES[tensors[self.tensor].dtype]) for share in shares]
        if self.change:
            parts = self._list_changes(tensors)
            found = [
                self._merge(values.reshape(len(rows), -1), [(each, next(left)) for each in of_range], tensors, rows)
                for values, of_range, rows in zip(found, parts, ranges, strict=True)
            ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _merge(
        self,
        values: np.ndarray,
        parts: Sequence[tuple[Ahead, bytes]],
        tensors: Mapping[str, Tensor],
        rows: range,
    ) -> np.ndarray:
        """Rows of the tensor with the adapter's change."""
        assert self.change, "the caller asks for no other"
        read = {
            part.tensor: np.frombuffer(data, _DTYPES[tensors[part.tensor].dtype]).astype(np.float32)
            for part, data in parts
        }
        rank = tensors[self.change.a].shape[0]
        a, b = read[self.change.a].reshape(rank, -1), read[self.change.b].reshape(-1, rank)
        a = a[:, rows.start : rows.stop] if self.change.is_turned else a
        return self.change.merge(values, a, b, read.get(self.change.magnitude))

    def _list_scales(self, tensors: Mapping[str, Tensor]) -> list[Ahead]:
        if not self.encoding:
            return []
        found = [self.encoding.find_scales(rows) for rows in self._list_tensor_rows()]
        return [_locate_rows(self.encoding.scales_name, tensors, self.encoding.scales_shape, rows) for rows in found]

    def _list_changes(self, tensors: Mapping[str, Tensor]) -> list[list[Ahead]]:
        """For each range all of A, and of B and of the norms the range's rows; all of B if they are its columns."""
        if not self.change:
            return []
        names = [self.change.a, self.change.b, *([self.change.magnitude] if self.change.magnitude else [])]
        whole = names if self.change.is_turned else [self.change.a]
        return [
            [
                _locate_rows(
                    name, tensors, tensors[name].shape, range(tensors[name].shape[0]) if name in whole else rows
                )
                for name in names
            ]
            for rows in self._list_tensor_rows()
        ]

    def _list_tensor_rows(self) -> list[range]:
        """The ranges as rows of the tensor, of which one of the view may have several."""
        scale, first = self.parameter.source_shape[0] // self.parameter.view[0], self.parameter.box[0][0]
        return [range((first + rows.start) * scale, (first + rows.stop) * scale) for rows in self.rows]


def _locate_rows(name: str, tensors: Mapping[str, Tensor], shape: tuple[int, ...], rows: range) -> Ahead:
    """Rows of a tensor; of one number, the only one."""
    tensor = tensors[name]
    row_bytes = (tensor.stop - tensor.start) // (shape or (1,))[0]
    span = (tensor.start + rows.start * row_bytes, tensor.start + rows.stop * row_bytes)
    return Ahead(tensor=name, file=tensor.file, span=span)


class ReadAhead:
    """Reads bytes that are needed before their file is read as a whole, and compares them with what comes then."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._digests: dict[Ahead, bytes] = {}

    def read_all(self, wanted: Sequence[Ahead]) -> list[bytes]:
        """The bytes of each, as they are now."""
        found = [self._place.read_range(ahead.file, *ahead.span) for ahead in wanted]
        for ahead, data in zip(wanted, found, strict=True):
            self.compare(ahead, data)
        return found

    def compare(self, ahead: Ahead, data: bytes) -> None:
        """Compare the bytes of one reading with those of another: what is read ahead is not hashed with its file.

        Raises:
            ModelError: they differ.
        """
        digest = hashlib.sha256(data).digest()
        if self._digests.setdefault(ahead, digest) != digest:
            raise ModelError(
                f"{self._place.locate(ahead.file)} must not change while it is read, found other bytes in "
                f"{ahead.tensor}: run again",
                parameter="model",
            )
