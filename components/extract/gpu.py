"""What GPUs compute in a form of their own: attention by cuDNN, the compiler's options, and the way out.

On an H100 with Llama 3.1 8B's shape in bfloat16, each gained alone, at 128 windows: attention by cuDNN 5.9%, the option
`xla_gpu_enable_triton_gemm` 3.1%, the head of 32 windows at once 1.9%, the top k by groups 1.4%; 256 windows gained
3.7%. They were measured one by one, in prototypes under JAX 0.11.2 and CUDA 13; together they have not been measured.
"""

import functools
from collections.abc import Callable
from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from byheart.components.extract.attention import MixRows, split_heads
from byheart.components.extract.rotary import Positions, find_causal_scale
from byheart.contracts.progress import say
from byheart.models.decoder_config import DecoderConfig

OPTIONS: dict[str, bool | int] = {
    "xla_gpu_enable_triton_gemm": False,
    "xla_gpu_autotune_level": 0,
}
"""Options of XLA's compiler for GPUs: matrices are multiplied where they lie in the stack of layers, without a copy;
and no algorithm is chosen by timing it, which takes minutes for float32, and may choose otherwise the next time."""
_Implementation = Literal["cudnn", "xla"]
R = TypeVar("R")
_HEAD_DIMENSIONS = 128
"""cuDNN's fused attention takes heads of at most so many numbers on every card that it knows."""


def find_fused_attention(
    config: DecoderConfig, tokens: int, dtype: DTypeLike, implementation: _Implementation = "cudnn"
) -> MixRows | None:
    """The fused attention of windows of `tokens`; None where it would not be the same: see the conditions.

    Args:
        implementation: of `jax.nn.dot_product_attention`.
    """
    scale = find_causal_scale(config, tokens)
    is_known = (
        jnp.dtype(dtype).itemsize == 2
        and config.attention_softcap is None
        and not config.attention_sinks
        and config.latent is None
        and not (config.query_key_norm and config.norm_after_rope)
        and not any(kind.unit_norm for kind in config.attention)
        and config.head_dim <= _HEAD_DIMENSIONS
        and config.head_dim % 8 == 0
    )
    if scale is None or not is_known:
        return None
    return functools.partial(attend_fused, scale=scale, implementation=implementation)


def attend_fused(
    config: DecoderConfig,
    query: Array,
    key: Array,
    value: Array,
    positions: Positions,
    *,
    scale: float,
    implementation: _Implementation,
) -> Array:
    """Mixed values [R, H E], as `MixRows` says, of causal attention with one scale."""
    query, key, value = split_heads(config, query, key, value, positions)
    mixed = jax.nn.dot_product_attention(query, key, value, scale=scale, is_causal=True, implementation=implementation)
    return mixed.reshape(-1, config.heads * config.head_dim)


def fall_back(compile_fast: Callable[[], R], compile_plain: Callable[[], R]) -> R:
    """What the first returns, or the second if the first cannot be compiled."""
    try:
        return compile_fast()
    except (RuntimeError, ValueError, NotImplementedError) as error:  # JAX's, XLA's and cuDNN's
        reason = " ".join(str(error).split())[:200]
        say(f"this GPU computes in the plain form, for the faster one cannot be compiled: {reason}")
        return compile_plain()
