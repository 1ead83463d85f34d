"""Finds out why scores are not finite: only then are the weights read once more, and looked at."""

from collections.abc import Iterator

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.contracts.progress import say
from byheart.models.folder import ModelFolder
from byheart.models.parameters import leaves
from byheart.models.tensors import Tensor
from byheart.store.in_order import map_in_order

_EXPONENTS = {"F32": ("<u4", 0x7F80_0000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}
"""How the bits of each dtype are read, and those of the exponent: all are set in NaN and in infinity alone."""
_PIECE_BYTES = 64 * 2**20
_READERS = 4


def explain_not_finite(model: ModelFolder, precision: str) -> ModelError:
    """The error of scores that are not finite: it names a tensor that is not, if there is one, else what to try.

    Args:
        precision: in which they were computed.
    """
    say("the scores are not finite: looking for NaN in the weights")
    for name, tensor, is_finite in _look_at(model):
        if not is_finite:
            return ModelError(
                f"the weights must be finite numbers, found NaN or infinity in {model.names[name]} of "
                f"{model.place.locate(tensor.file)}: name another revision or another copy of the model, since this "
                "one was hashed as it is",
                parameter="model",
            )
    if precision == "float32":
        found, remedy = "in float32, from weights that are finite", "choose another model"
    else:
        found, remedy = f"in {precision}", "try precision=float32"
    return ModelError(f"the model must give finite logits, found infinite ones or NaN {found}: {remedy}")


def _look_at(model: ModelFolder) -> Iterator[tuple[str, Tensor, bool]]:
    """Pieces of all tensors that the decoder reads: the tensor's name, the tensor, and whether the piece is finite."""
    tensors = model.read_tensor_headers()
    names = {name for parameter in leaves(model.describe_parameters()) for name in parameter.name_tensors().values()}
    names |= {name for change in model.changes.values() for name in (change.a, change.b, change.magnitude) if name}
    pieces = [
        (name, tensors[name], start)
        for name in sorted(names, key=lambda name: (tensors[name].file, tensors[name].start))
        for start in range(tensors[name].start, tensors[name].stop, _PIECE_BYTES)
    ]

    def look(piece: tuple[str, Tensor, int]) -> bool:
        _, tensor, start = piece
        kind, exponent = _EXPONENTS[tensor.dtype]
        data = model.place.read_range(tensor.file, start, min(start + _PIECE_BYTES, tensor.stop))
        return not bool((np.frombuffer(data, kind) & exponent == exponent).any())

    finite = map_in_order(look, pieces, threads=_READERS, ahead=_READERS)
    return ((name, tensor, is_finite) for (name, tensor, _), is_finite in zip(pieces, finite, strict=True))
