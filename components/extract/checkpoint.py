"""Weights, from a model folder's safetensors to the decoder's parameters."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from components.extract.decoder import Params
from components.models.folder import ModelFolder, open_weights
from components.models.parameters import Parameter


def load(model: ModelFolder, dtype: DTypeLike) -> Params:
    """The decoder's parameters in `dtype`, whatever the checkpoint's; layers are stacked.

    Raises:
        ModelError: a file is damaged.
    """
    files = {name: open_weights(model.path / name) for name in model.weight_files()}

    def tensor(source: str, parameter: Parameter) -> np.ndarray:
        return files[model.tensor_files[source]].get_tensor(source).reshape(parameter.shape).astype(dtype)

    def stack(parameter: Parameter) -> Array:
        sources = (parameter.source.format(layer=index) for index in range(model.decoder.layers))
        return jnp.asarray(np.stack([tensor(source, parameter) for source in sources]))

    whole, layer = model.parameters()
    params: Params = {name: jnp.asarray(tensor(parameter.source, parameter)) for name, parameter in whole.items()}
    params["layers"] = {name: stack(parameter) for name, parameter in layer.items()}
    return params
