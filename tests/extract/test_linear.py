"""The gated delta rule, against its definition: a state that each token makes fade, corrects and reads."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract.linear import attend_linearly
from byheart.models.axes import list_layer_axes, measure_axes
from byheart.models.linear import LinearAttention
from tests.extract.test_mlp import EMBED, config

pytestmark = pytest.mark.slow

BATCH, TOKENS = 2, 23


def silu(values: np.ndarray) -> np.ndarray:
    return values / (1 + np.exp(-values))


def one_token_after_the_other(
    weights: dict[str, np.ndarray], linear: LinearAttention, states: np.ndarray, epsilon: float
) -> np.ndarray:
    size, group = linear.head_dim, linear.value_heads // linear.key_heads
    made = np.zeros_like(states)
    for row, window in enumerate(states):
        joined = np.concatenate(
            [np.einsum("td,hed->the", window, weights[f"linear_{name}"]).reshape(len(window), -1)
             for name in ("query", "key", "value")], axis=1,
        )  # fmt: skip
        state = np.zeros((linear.value_heads, size, size))
        for token, token_state in enumerate(window):
            seen = [joined[token - back] for back in range(min(linear.kernel, token + 1))]
            mixed = silu(sum(weights["linear_kernel"][:, 0, -1 - back] * one for back, one in enumerate(seen)))
            heads = mixed.reshape(-1, size)
            for head in range(linear.value_heads):
                of_key, within = divmod(head, group)
                query, key = heads[of_key], heads[linear.key_heads + of_key]
                value = heads[2 * linear.key_heads + head]
                query, key = (each / np.sqrt((each**2).sum() + 1e-6) for each in (query, key))
                decay = weights["linear_decay"][of_key, within] @ token_state + weights["linear_step"][of_key, within]
                beta = 1 / (1 + np.exp(-weights["linear_beta"][of_key, within] @ token_state))
                state[head] *= np.exp(-np.exp(weights["linear_rate"][of_key, within]) * np.log1p(np.exp(decay)))
                state[head] += beta * np.outer(key, value - key @ state[head])
                read = query @ state[head] / size**0.5
                read = read / np.sqrt((read**2).mean() + epsilon) * weights["linear_norm"]
                gated = read * silu(weights["linear_gate"][head] @ token_state)
                made[row, token] += weights["linear_output"][:, head] @ gated
    return made


@pytest.mark.parametrize(("key_heads", "value_heads", "kernel"), [(1, 1, 1), (2, 2, 4), (2, 6, 3), (1, 2, 40)])
def test_chunk_is_what_one_token_after_the_other_would_give(key_heads: int, value_heads: int, kernel: int) -> None:
    random = np.random.default_rng(kernel)
    linear = LinearAttention(layers=(0,), key_heads=key_heads, value_heads=value_heads, head_dim=8, kernel=kernel)
    decoder = dataclasses.replace(config(1, 1), linear=linear)
    sizes = measure_axes(decoder)
    weights = {
        name: random.normal(size=[sizes[axis] for axis in f"{outputs} {inputs}".split()[1:]]) / EMBED**0.5
        for name, (outputs, inputs) in list_layer_axes(decoder).items()
        if name.startswith("linear_")
    }
    states = random.normal(size=(BATCH, TOKENS, EMBED))
    narrow = {name: jnp.asarray(values, jnp.float32) for name, values in weights.items()}
    found = jax.jit(attend_linearly, static_argnums=(1, 2))(narrow, decoder, linear, jnp.asarray(states, jnp.float32))
    expected = one_token_after_the_other(weights, linear, states, decoder.norm_epsilon)
    np.testing.assert_allclose(found, expected, atol=2e-4)
