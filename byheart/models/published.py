"""The precision in which each parameter was published: the fewest bits that hold its numbers unchanged."""

from collections.abc import Mapping

from byheart.models.encoding import find_encoding
from byheart.models.families.quantisation import MXFP4
from byheart.models.folder import ModelFolder
from byheart.models.parameters import Parameter, leaves
from byheart.models.tensors import Tensor

_PRECISIONS = {"BF16": "bfloat16", "F16": "float16"}
"""Of tensors in 16 bits; all others take float32, as they do at `precision=float32`."""
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def find_published(model: ModelFolder, parameter: Parameter, tensors: Mapping[str, Tensor]) -> str:
    """`bfloat16`, `float16` or `float32`: that of all tensors of the parameter, if they agree.

    Args:
        tensors: from `model.read_tensor_headers()`.
    """
    found = {_find_of_tensor(model, name, tensors) for name in parameter.name_tensors().values()}
    return "float32" if parameter.is_float32 or len(found) > 1 else found.pop()


def count_published_bytes(model: ModelFolder) -> int:
    """Bytes of all parameters, each in the precision in which it was published."""
    tensors = model.read_tensor_headers()
    parameters = leaves(model.describe_parameters())
    return sum(parameter.size * _BYTES[find_published(model, parameter, tensors)] for parameter in parameters)


def _find_of_tensor(model: ModelFolder, name: str, tensors: Mapping[str, Tensor]) -> str:
    if name in model.changes:  # what an adapter merges has more bits than either
        return "float32"
    if encoding := find_encoding(name, tensors, model.quantisation):
        return "bfloat16" if encoding.quantisation.method == MXFP4 else "float32"
    return _PRECISIONS.get(tensors[name].dtype, "float32")
