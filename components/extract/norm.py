"""Norms, and the cap that some families put on scores. Both are computed in float32."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.models.decoder_config import DecoderConfig


def norm(
    weights: Mapping[str, Array], name: str, states: Array, config: DecoderConfig, axes: tuple[int, ...] = (-1,)
) -> Array:
    """`states`, each row of `axes` divided by its root mean square, or made of mean 0 and deviation 1 (`layer`), and
    multiplied by the weight of that name; in the dtype of `states`.
    """
    wide = states.astype(jnp.float32)
    if config.norm == "layer":
        wide -= jnp.mean(wide, axis=axes, keepdims=True)
    wide *= jax.lax.rsqrt(jnp.mean(wide * wide, axis=axes, keepdims=True) + config.norm_epsilon)
    wide *= weights[name].astype(jnp.float32) + config.norm_offset
    if f"{name}_bias" in weights:
        wide += weights[f"{name}_bias"].astype(jnp.float32)
    return wide.astype(states.dtype)


def softcap(scores: Array, cap: float | None) -> Array:
    """Scores drawn smoothly into (-cap, cap)."""
    return scores if cap is None else cap * jnp.tanh(scores / cap)
