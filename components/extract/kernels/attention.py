"""Attention of windows as one kernel: rotary positions, products, mask, softmax and mixing.

A window's tokens are 99 rows, or another number that is no multiple of the 8 rows of a tile. So XLA copies queries,
keys and values into padded arrays, and writes every step in between to memory. Here a block is 16 windows, whose rows
are whole tiles whatever a window's length, and one kv head with its query heads; a window's rows are cut out of the
block within the unit's own memory.

    query    [16 T, G E] of [R, H E]    scores   [G T', T'] of each window, never in memory
    key      [16 T, E]   of [R, K E]    T'       T, rounded up to whole tiles; what it adds is masked, or not kept
    value    [16 T, E]   of [R, K E]
    output   [16 T, G E] of [R, H E]

The compiler's static profile gives 0.39 million cycles for a layer of Llama-3.1-8B and 64 windows on v6e; by the
compiler's estimates the rest of the layer takes 6.62 million, and all of it 9.79 million in the plain form. Each window
and head by itself, without joining the heads of a group into one product, took 1.03 million.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from byheart.components.extract.rotary import Positions
from byheart.machines.kernels import BLOCK_WINDOWS
from byheart.models.decoder_config import DecoderConfig

_ROWS = 8
"""In a tile of float32."""
_MASKED = -1e30
"""A score that no softmax sees, and that makes no NaN where a row has no other."""


def attend_rows(
    config: DecoderConfig, query: Array, key: Array, value: Array, positions: Positions, *, interpret: bool = False
) -> Array:
    """The mixed values [R, H E] of windows whose rows stand one behind the other.

    Args:
        query: [R, H E], not rotated yet, where R is the rows of whole blocks.
        key, value: [R, K E].
        interpret: compute the kernel step by step on any device, as tests do.
    """
    rows, tokens, group = len(query), positions["cos"].shape[0], config.heads // config.kv_heads
    block, width, over = BLOCK_WINDOWS * tokens, group * config.head_dim, -tokens % _ROWS
    cos, sin = (positions[name].astype(jnp.float32) for name in ("cos", "sin"))
    tables = (
        jnp.concatenate([cos, cos], axis=-1),
        jnp.concatenate([-sin, sin], axis=-1),
        positions["first"][:, None],
        positions["scale"],
    )
    queries = pl.BlockSpec((block, width), lambda windows, head: (windows, head))
    keys = pl.BlockSpec((block, config.head_dim), lambda windows, head: (windows, head))
    return pl.pallas_call(
        functools.partial(_attend_block, config=config, tokens=tokens),
        out_shape=jax.ShapeDtypeStruct(query.shape, query.dtype),
        grid=(rows // block, config.kv_heads),
        in_specs=[queries, keys, keys, *[pl.BlockSpec(memory_space=pltpu.VMEM)] * len(tables)],
        out_specs=queries,
        scratch_shapes=[
            pltpu.VMEM((block + _ROWS, side), jnp.float32) for side in (width, config.head_dim, config.head_dim, width)
        ],
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel", "parallel")),
        interpret=interpret,
    )(query, key, value, *(jnp.tile(jnp.pad(table, ((0, over), (0, 0))), (group, 1)) for table in tables))


def _attend_block(*refs, config: DecoderConfig, tokens: int) -> None:  # type: ignore[no-untyped-def]
    """Attention of a block of windows, one kv head and its query heads, from and to the memory of the unit.

    Rows of 32 bits can be read from any row on, those of 16 bits cannot: hence the copies. Behind the last window
    follow zeros; behind each other the next one's rows, which the mask hides. What a window writes behind its own rows,
    the next one overwrites.
    """
    query_ref, key_ref, value_ref, cos_ref, sin_ref, first_ref, scale_ref, output_ref, *copies = refs
    queries, keys, values, outputs = copies
    dtype, block, dim = query_ref.dtype, BLOCK_WINDOWS * tokens, config.head_dim
    padded, heads = tokens + -tokens % _ROWS, range(config.heads // config.kv_heads)
    multiply = functools.partial(
        jax.lax.dot_general,
        precision=jax.lax.Precision.HIGHEST if dtype == jnp.float32 else jax.lax.Precision.DEFAULT,
        preferred_element_type=jnp.float32,
    )
    for copy, ref in ((queries, query_ref), (keys, key_ref), (values, value_ref)):
        copy[:block, :] = ref[...].astype(jnp.float32)
        copy[block:, :] = jnp.zeros((_ROWS, copy.shape[1]), jnp.float32)
    one = (padded, padded)
    at = jnp.concatenate([jax.lax.broadcasted_iota(jnp.int32, one, 0) for _ in heads], axis=0)
    to = jnp.concatenate([jax.lax.broadcasted_iota(jnp.int32, one, 1) for _ in heads], axis=0)
    seen = (to <= at) & (to >= first_ref[...])

    def rotate(states: Array) -> Array:
        count = len(states)
        turned = states * cos_ref[:count, :] + pltpu.roll(states, dim // 2, 1) * sin_ref[:count, :]
        return turned.astype(dtype)

    for window in range(BLOCK_WINDOWS):
        rows = pl.ds(window * tokens, padded)
        key, value = rotate(keys[rows, :]), values[rows, :].astype(dtype)
        query = rotate(jnp.concatenate([queries[rows, pl.ds(head * dim, dim)] for head in heads], axis=0))
        scores = multiply(query, key, (((1,), (1,)), ((), ()))) * scale_ref[...]
        if config.attention_softcap is not None:
            scores = config.attention_softcap * jnp.tanh(scores / config.attention_softcap)
        scores = jnp.where(seen, scores, _MASKED)
        shares = jnp.exp(scores - jnp.max(scores, axis=-1, keepdims=True))
        total = jnp.sum(shares, axis=-1, keepdims=True)
        mixed = multiply((shares / total).astype(dtype), value, (((1,), (0,)), ((), ())))
        for head in heads:
            outputs[rows, pl.ds(head * dim, dim)] = mixed[head * padded : (head + 1) * padded]
    output_ref[...] = outputs[:block, :].astype(dtype)
