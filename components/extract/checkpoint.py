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

    def tensor(source: str, parameter: Parameter) -> np.ndarray:
        held = tensors[source]
        values = np.frombuffer(held.read(model.place), _DTYPES[held.dtype])
        return values.reshape(parameter.shape).astype(dtype)

    def stack(parameter: Parameter) -> Array:
        sources = (parameter.source.format(layer=index) for index in range(model.decoder.layers))
        return jnp.asarray(np.stack([tensor(source, parameter) for source in sources]))

    whole, layer = model.parameters()
    params: Params = {name: jnp.asarray(tensor(parameter.source, parameter)) for name, parameter in whole.items()}
    params["layers"] = {name: stack(parameter) for name, parameter in layer.items()}
    return params
