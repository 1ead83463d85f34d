"""Weights, from a model's safetensors, wherever they lie, to the decoder's parameters."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from components.extract.decoder import Params
from components.models.folder import ModelFolder
from components.models.parameters import Parameter

_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype(jnp.bfloat16)}


def load(model: ModelFolder, dtype: DTypeLike) -> Params:
    """The decoder's parameters in `dtype`, whatever the checkpoint's; layers are stacked.

    Raises:
        ModelError: a file is damaged.
    """
    tensors = model.tensors()

    def part(name: str, parameter: Parameter) -> np.ndarray:
        """The parameter's box of one tensor: only the rows that it spans are read."""
        held = tensors[name]
        first, stop = parameter.box[0]
        row = (held.stop - held.start) // parameter.view[0]
        content = model.place.read_range(held.file, held.start + first * row, held.start + stop * row)
        values = np.frombuffer(content, _DTYPES[held.dtype]).reshape(stop - first, *parameter.view[1:])
        return values[:, *(slice(*side) for side in parameter.box[1:])].astype(dtype)

    def whole(parameter: Parameter, layer: int | None = None) -> np.ndarray:
        return np.stack([part(name, parameter) for name in parameter.tensors(layer)]).reshape(parameter.shape)

    def stack(parameter: Parameter) -> Array:
        return jnp.asarray(np.stack([whole(parameter, layer) for layer in range(model.decoder.layers)]))

    of_model, of_layer = model.parameters()
    params: Params = {name: jnp.asarray(whole(parameter)) for name, parameter in of_model.items()}
    params["layers"] = {name: stack(parameter) for name, parameter in of_layer.items()}
    return params
