"""The activations of MLPs, by their names in config.json: a new activation is a row of this table.

The models room does not import jax: an activation takes `jax.nn` as `nn`, and the states.
"""

from collections.abc import Callable
from typing import Any


def _gelu_tanh(nn: Any, states: Any) -> Any:
    return nn.gelu(states, approximate=True)


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "silu": lambda nn, states: nn.silu(states),
    "swish": lambda nn, states: nn.silu(states),
    "gelu": lambda nn, states: nn.gelu(states, approximate=False),
    "gelu_new": _gelu_tanh,
    "gelu_fast": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "relu": lambda nn, states: nn.relu(states),
}
