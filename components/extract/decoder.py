"""The decoder's forward pass, as pure functions; `DecoderConfig` describes all differences between families.

Array letters: B batch, T tokens, R rows (the tokens of all windows of a batch, B times T), S scored tokens, D embed,
H heads, K kv heads, G heads a kv head, E head_dim, F ffn, V vocab, L layers, X experts. In an einsum they are lower
case; `u` is T once more, on the keys' side.

States are rows [R, D] wherever tokens do not meet: a TPU keeps arrays in tiles of 8 rows, and 99 tokens of a window are
no multiple of it, so that [B, T, D] would be padded and copied.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from byheart.components.extract.attention import MixRows, attend
from byheart.components.extract.mlp import apply_mlp
from byheart.components.extract.norm import compute_mean_square, normalize, softcap
from byheart.components.extract.rotary import compute_positions
from byheart.components.extract.runs import Run, find_runs
from byheart.models.decoder_config import DecoderConfig

Params = dict[str, Any]
"""The model's weights by the parameters' names. Those under `layers` are stacked on a first axis L, or stand in a
dictionary for each layer."""


def compute_hidden_states(
    params: Params,
    config: DecoderConfig,
    token_ids: Array,
    first: int | Array = 0,
    *,
    look_up: Callable[[Array, Array], Array] = lambda table, ids: table[ids],
    gather: Callable[[Params], Params] = lambda weights: weights,
    kernel: MixRows | None = None,
    dtype: DTypeLike | None = None,
    query_blocks: int = 1,
) -> Array:
    """The states after the final norm from position `first` on, [B, T - first, D] in `dtype`.

    Args:
        token_ids: int32 [B, T]; position 0 is the first of each row.
        first: or positions int32 [B, S], which may differ between rows: the states at these, [B, S, D].
        look_up: takes rows from the embedding table, which may be divided over devices.
        gather: makes a layer's weights whole where they are divided over devices.
        kernel: computes attention where the device has a program of its own for it.
        dtype: of the arithmetic, to which each layer's weights are converted when they are used, so that only one layer
            is in memory in it; None is the parameters' own.
        query_blocks: blocks of a window's positions, each of which meets only the keys up to its last.
    """
    convert = make_converter(dtype)
    dtype = params["embed"].dtype if dtype is None else dtype
    with jax.named_scope("embed"):
        states = convert(look_up(params["embed"], token_ids))
        if config.embed_scale != 1:
            states *= jnp.asarray(config.embed_scale, dtype)  # rounded to the dtype first, as in Gemma's training
        if config.learned_positions:
            states += convert(params["positions"][: token_ids.shape[1]])
        states = states.reshape(-1, states.shape[-1])
    kinds, kind_of_layer = compute_positions(config, token_ids.shape[1], dtype)

    def measure(states: Array) -> Array | None:
        return compute_mean_square(states) if config.norm == "rms" else None

    def apply_layer(states: Array, mean_square: Array | None, weights: Params, kind: Array) -> Array:
        with jax.named_scope("weights"):
            # Gathering the next layer's too took XLA 7 GB more, when it compiled that for Llama-3.1-70B on v6e-2x4.
            weights = convert(gather(weights))
        positions = jax.tree.map(lambda table: table[kind], kinds)

        def normalize_if_any(name: str, states: Array, mean_square: Array | None = None) -> Array:
            return normalize(weights, name, states, config, mean_square=mean_square) if name in weights else states

        def scale(states: Array) -> Array:
            if config.residual_scale == 1:
                return states
            return (states.astype(jnp.float32) * config.residual_scale).astype(dtype)

        with jax.named_scope("attention"):
            normed = normalize_if_any("attention_norm", states, mean_square)
            attended = attend(weights, config, normed, positions, kernel, query_blocks)
            output = states + scale(normalize_if_any("attention_post_norm", attended))
        with jax.named_scope("mlp"):
            if not config.shared_norm:
                normed = normalize_if_any("mlp_norm", states if config.parallel else output)
            output += scale(normalize_if_any("mlp_post_norm", apply_mlp(weights, config, normed)))
        return output

    is_stacked = isinstance(params["layers"], dict)
    for layer, weights in enumerate([] if is_stacked else params["layers"]):
        states = apply_layer(states, None, weights, kind_of_layer[layer])
    for run in find_runs(config) if is_stacked else []:

        def apply_pattern(
            carried: tuple[Array, Array | None], repeat: Array, run: Run = run
        ) -> tuple[tuple[Array, Array | None], None]:
            states, mean_square = carried
            for offset, stacks in enumerate(run.stacks):
                weights = {
                    name: _take_row(params["layers"][name], row + repeat * step) for name, (row, step) in stacks.items()
                }
                kind = _take_row(kind_of_layer, run.first + offset + repeat * run.length)
                states = apply_layer(states, mean_square, weights, kind)
                # The TPU's compiler makes it of the last product as that leaves its unit, and reads no states again.
                mean_square = measure(states)
            return (states, mean_square), None

        (states, _), _ = jax.lax.scan(apply_pattern, (states, measure(states)), jnp.arange(run.repeats))
    states = states.reshape(*token_ids.shape, -1)
    wanted = states[:, first:] if isinstance(first, int) else jnp.take_along_axis(states, first[:, :, None], axis=1)
    return normalize(params, "final_norm", wanted, config)


def make_converter(dtype: DTypeLike | None) -> Callable[[Any], Any]:
    """A function that converts arrays of a tree to `dtype`; None leaves them as they are."""
    return lambda tree: tree if dtype is None else jax.tree.map(lambda array: array.astype(dtype), tree)


def _take_row(stack: Array, row: Array) -> Array:
    # As matrices, the TPU's compiler multiplies with weights where they lie in the stack, and does not copy them first.
    matrices = stack.reshape(len(stack), -1, stack.shape[-1]) if stack.ndim > 3 else stack
    taken = jax.lax.dynamic_index_in_dim(matrices, row, keepdims=False, allow_negative_indices=False)
    return taken.reshape(stack.shape[1:])


def compute_logits(params: Params, config: DecoderConfig, hidden: Array) -> Array:
    """The logits, float32 [..., V], of hidden states [..., D]."""
    with jax.named_scope("head"):
        head, *bias = list_head(config)
        scores = jnp.einsum("...d,vd->...v", hidden, params[head], preferred_element_type=jnp.float32)
        for name in bias:
            scores += params[name].astype(jnp.float32)
        scores = scores if config.logit_scale == 1 else scores * config.logit_scale
        return softcap(scores, config.final_softcap)


def list_head(config: DecoderConfig) -> list[str]:
    """The names of the head's parameters: its matrix, which is the embedding table where the two are tied, and its bias
    if it has one.
    """
    return ["embed" if config.tied_head else "head", *["head_bias"] * ("head" in config.biases)]
