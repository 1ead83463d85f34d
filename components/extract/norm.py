"""Norms, and the soft cap of some families' scores. Both are computed in float32."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from byheart.models.decoder_config import DecoderConfig


def normalize(
    weights: Mapping[str, Array],
    name: str,
    states: Array,
    config: DecoderConfig,
    axes: tuple[int, ...] = (-1,),
    *,
    epsilon: float | None = None,
    offset: float | None = None,
    mean_square: Array | None = None,
) -> Array:
    """The normed `states`, in their shape and dtype.

    Over `axes` they are divided by their root mean square (`rms`), or brought to mean 0 and deviation 1 (`layer`), and
    then multiplied by the weight `name`.

    Args:
        epsilon: None is the config's.
        offset: None is the config's.
        mean_square: of the states over `axes`, float32, where it is known.
    """
    epsilon = config.norm_epsilon if epsilon is None else epsilon
    wide = states.astype(jnp.float32)
    if config.norm == "layer":
        wide -= jnp.mean(wide, axis=axes, keepdims=True)
    if mean_square is None:
        mean_square = compute_mean_square(wide, axes)
    wide *= jax.lax.rsqrt(mean_square + epsilon)
    wide *= weights[name].astype(jnp.float32) + (config.norm_offset if offset is None else offset)
    if f"{name}_bias" in weights:
        wide += weights[f"{name}_bias"].astype(jnp.float32)
    return wide.astype(states.dtype)


def compute_mean_square(states: Array, axes: tuple[int, ...] = (-1,)) -> Array:
    """The mean of the squares over `axes`, which are kept, in float32."""
    wide = states.astype(jnp.float32)
    return jnp.mean(wide * wide, axis=axes, keepdims=True)


def divide_by_root_mean_square(states: Array, epsilon: float) -> Array:
    """The `states` divided by the root mean square of their last axis."""
    wide = states.astype(jnp.float32)
    wide *= jax.lax.rsqrt(compute_mean_square(wide) + epsilon)
    return wide.astype(states.dtype)


def softcap(scores: Array, cap: float | None) -> Array:
    """cap * tanh(scores / cap), which is in (-cap, cap); `scores` where `cap` is None."""
    return scores if cap is None else cap * jnp.tanh(scores / cap)
