"""The choice among experts, against a loop in float64 that sends each token where it belongs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract.mlp import apply_mlp
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.experts import Experts
from byheart.models.rope import Rope

pytestmark = pytest.mark.slow

EMBED, FFN = 6, 5


def config(experts: int, each: int) -> DecoderConfig:
    return DecoderConfig(
        vocab=7,
        embed=EMBED,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=2,
        ffn=FFN,
        max_positions=99,
        norm_epsilon=1e-6,
        attention=(Attention(rope=Rope(theta=1e4)),),
        experts=Experts(count=experts, per_token=each, ffn=FFN),
    )


def weights(experts: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    shapes = {"router": (EMBED,), "expert_gate": (FFN, EMBED), "expert_up": (FFN, EMBED), "expert_down": (EMBED, FFN)}
    return {name: random.normal(size=(experts, *shape)) / EMBED**0.5 for name, shape in shapes.items()}


def one_after_the_other(held: dict[str, np.ndarray], states: np.ndarray, each: int) -> np.ndarray:
    made = np.zeros_like(states)
    for token in np.ndindex(states.shape[:2]):
        scores = held["router"] @ states[token]
        chosen = np.argsort(-scores, kind="stable")[:each]
        shares = np.exp(scores[chosen]) / np.exp(scores[chosen]).sum()
        for expert, share in zip(chosen, shares, strict=True):
            gate = held["expert_gate"][expert] @ states[token]
            inner = gate / (1 + np.exp(-gate)) * (held["expert_up"][expert] @ states[token])
            made[token] += share * (held["expert_down"][expert] @ inner)
    return made


def computed(held: dict[str, np.ndarray], states: np.ndarray, each: int) -> np.ndarray:
    narrow = {name: jnp.asarray(values, jnp.float32) for name, values in held.items()}
    compiled = jax.jit(apply_mlp, static_argnums=1)
    rows = jnp.asarray(states.reshape(-1, EMBED), jnp.float32)
    return np.asarray(compiled(narrow, config(len(held["expert_gate"]), each), rows)).reshape(states.shape)


@pytest.mark.parametrize(
    ("experts", "each", "shape"),
    [(1, 1, (2, 3)), (4, 1, (1, 1)), (4, 2, (3, 33)), (5, 5, (2, 9)), (8, 2, (1, 3)), (16, 3, (2, 50))],
)
def test_each_token_goes_through_the_experts_of_its_choice(experts: int, each: int, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(experts)
    held, states = weights(experts, random), random.normal(size=(*shape, EMBED))
    np.testing.assert_allclose(computed(held, states, each), one_after_the_other(held, states, each), atol=1e-5)


def test_tokens_that_all_choose_alike_are_none_too_many() -> None:
    random = np.random.default_rng(0)
    held, states = weights(6, random), random.normal(size=(3, 40, EMBED))
    held["router"] *= 0  # a tie, which the first ones win
    np.testing.assert_allclose(computed(held, states, 2), one_after_the_other(held, states, 2), atol=1e-5)
    states[..., 0] = 5.0
    held["router"][4, 0] = 9.0
    np.testing.assert_allclose(computed(held, states, 1), one_after_the_other(held, states, 1), atol=1e-5)
