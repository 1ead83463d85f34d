"""Weights as a CPU reads them best: each layer by itself, and some matrices as [input, output]."""

import jax
import numpy as np
from jax import Array

from byheart.components.extract.decoder import Params
from byheart.components.extract.mlp import TRANSPOSED
from byheart.models.axes import LAYERS, list_layers
from byheart.models.decoder_config import DecoderConfig

_TO_TRANSPOSE = ("output", "down")
"""The matrices that XLA multiplies with faster as [input, output], by 5%; for the others it makes no difference."""


def divide_layers(params: Params, config: DecoderConfig) -> Params:
    """The same parameters with a dictionary for each layer in place of the stacks of all layers.

    Where the layers are scanned, XLA copies each layer's weights out of the stack, once a batch. Here no weight is
    copied, now or later, but those that are transposed.

    Args:
        params: lose their stacks, so that those that were copied leave memory one by one.
    """
    layers: list[dict[str, Array]] = [{} for _ in range(config.layers)]
    layers_of = list_layers(config)
    stacks = params[LAYERS]
    for name in list(stacks):
        stack = stacks.pop(name)
        (device,) = stack.devices()
        for layer, weight in zip(layers_of[name], np.asarray(stack), strict=True):
            if name in _TO_TRANSPOSE:
                layers[layer][f"{name}{TRANSPOSED}"] = _transpose(jax.device_put(weight, device))
            else:
                layers[layer][name] = jax.device_put(weight, device, may_alias=True)
    return {**params, LAYERS: layers}


@jax.jit
def _transpose(matrix: Array) -> Array:
    return matrix.T


def describe_divided(shapes: Params, config: DecoderConfig) -> Params:
    """The shapes of what `divide_layers` returns."""
    layers: list[dict[str, jax.ShapeDtypeStruct]] = [{} for _ in range(config.layers)]
    layers_of = list_layers(config)
    for name, stack in shapes[LAYERS].items():
        shape, named = stack.shape[1:], name
        if name in _TO_TRANSPOSE:
            shape, named = shape[::-1], f"{name}{TRANSPOSED}"
        for layer in layers_of[name]:
            layers[layer][named] = jax.ShapeDtypeStruct(shape, stack.dtype)
    others = {name: jax.ShapeDtypeStruct(of.shape, of.dtype) for name, of in shapes.items() if name != LAYERS}
    return {**others, LAYERS: layers}
