"""The pieces in which weights are loaded: rows of one tensor, and what must be read from elsewhere to decode them."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from byheart.contracts.errors import ModelError
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

    def locate(self, tensor: Tensor) -> Spans:
        """Where in the file each of the ranges of rows lies."""
        row_bytes = (tensor.stop - tensor.start) // self.parameter.view[0]
        first = tensor.start + self.parameter.box[0][0] * row_bytes
        return [(first + rows.start * row_bytes, first + rows.stop * row_bytes) for rows in self.rows]

    def list_ahead(self, tensors: Mapping[str, Tensor]) -> list[Ahead]:
        """The scales of each range of a quantised tensor."""
        if not self.encoding:
            return []
        name = self.encoding.scales_name
        scales = tensors[name]
        row_bytes = (scales.stop - scales.start) // (self.encoding.scales_shape or (1,))[0]
        found = [self.encoding.find_scales(rows) for rows in self._list_tensor_rows()]
        starts = [(scales.start + rows.start * row_bytes, scales.start + rows.stop * row_bytes) for rows in found]
        return [Ahead(tensor=name, file=scales.file, span=span) for span in starts]

    def decode(self, tensors: Mapping[str, Tensor], data: bytes, ahead: Sequence[bytes]) -> np.ndarray:
        """The numbers of the rows, in the order of the tensor.

        Args:
            ahead: the bytes that `list_ahead` asks for.
        """
        if not self.encoding:
            return np.frombuffer(data, _DTYPES[tensors[self.tensor].dtype])
        size, dtype = len(data) // len(self.rows), tensors[self.encoding.scales_name].dtype
        shares = [data[first : first + size] for first in range(0, len(data), size)]
        ranges = zip(shares, ahead, self._list_tensor_rows(), strict=True)
        found = [self.encoding.decode(share, scales, dtype, rows) for share, scales, rows in ranges]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _list_tensor_rows(self) -> list[range]:
        """The ranges as rows of the tensor, of which one of the view may have several."""
        scale, first = self.parameter.source_shape[0] // self.parameter.view[0], self.parameter.box[0][0]
        return [range((first + rows.start) * scale, (first + rows.stop) * scale) for rows in self.rows]


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
