"""The activations of MLPs, by their names in config.json: a new activation is a row of this table.

The models room does not import jax: an activation takes `jax.nn` as `nn`, the states, and its own parameters, if it has
learned some, as float32 numbers.
"""

from collections.abc import Callable
from typing import Any


def _gelu_tanh(nn: Any, states: Any) -> Any:
    return nn.gelu(states, approximate=True)


def _xielu(nn: Any, states: Any, alpha_positive: Any, alpha_negative: Any) -> Any:
    """x / 2 + a x^2 where x is positive, x / 2 + b (exp(x) - 1 - x) elsewhere; a and b are made of learned numbers.

    Source: Huang and Schlag 2024 (arXiv 2411.13010). transformers keeps x below -1e-6 in the exponent: that changes
    less than float32 does.
    """
    positive, negative = nn.relu(states), -nn.relu(-states)
    square = nn.softplus(alpha_positive) * positive * positive
    curve = (0.5 + nn.softplus(alpha_negative)) * (nn.elu(negative) - negative)
    return (0.5 * states + square + curve).astype(states.dtype)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "silu": lambda nn, states: nn.silu(states),
    "swish": lambda nn, states: nn.silu(states),
    "gelu": lambda nn, states: nn.gelu(states, approximate=False),
    "gelu_new": _gelu_tanh,
    "gelu_fast": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "relu": lambda nn, states: nn.relu(states),
    "xielu": _xielu,
    "relu2": lambda nn, states: nn.relu(states) ** 2,
}

LEARNED = {"xielu": ("alpha_positive", "alpha_negative")}
"""The parameters that an activation has learned, one number in each layer, in the order of its arguments."""
