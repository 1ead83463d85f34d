"""The activations of MLPs, by the names that config.json gives them: a new one is a row here, and nowhere else.

This room has no jax, so that each is a function of `jax.nn`, handed in as `nn`, and of the states.
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
