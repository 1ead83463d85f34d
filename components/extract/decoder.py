"""The decoder's forward pass, as pure functions: what each family of models differs in, its config says.

Array letters: B batch, T tokens, S scored tokens, D embed, H heads, K kv heads, G heads a kv head, E head_dim, F ffn,
V vocab, L layers, X experts. In an einsum they are lower case; `u` is T once more, on the keys' side.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract.attention import attention, layer_positions
from byheart.components.extract.mlp import mlp
from byheart.components.extract.norm import norm, softcap
from byheart.models.decoder_config import DecoderConfig

Params = dict[str, Any]
"""The whole model's parameters by name, and under `layers` each layer's, stacked on a first axis L."""


def hidden_states(
    params: Params,
    config: DecoderConfig,
    token_ids: Array,
    first: int = 0,
    *,
    look_up: Callable[[Array, Array], Array] = lambda table, ids: table[ids],
    gather: Callable[[Params], Params] = lambda weights: weights,
) -> Array:
    """The states after the final norm from position `first` on, [B, T - first, D] in the parameters' dtype.

    Args:
        token_ids: int32 [B, T]; position 0 is the first of each row.
        look_up: the rows of the embedding table, which may be divided over devices.
        gather: brings together what devices hold of a layer's weights, when its turn comes.
    """
    dtype = params["embed"].dtype
    with jax.named_scope("embed"):
        states = look_up(params["embed"], token_ids)
        if config.embed_scale != 1:
            states *= jnp.asarray(config.embed_scale, dtype)  # rounded first, as Gemma was trained
    kinds, kind_of_layer = layer_positions(config, token_ids.shape[1], dtype)

    def layer(states: Array, scanned: tuple[Params, Array]) -> tuple[Array, None]:
        weights, kind = scanned
        with jax.named_scope("weights"):
            # Not those of the layer after: where XLA has compiled that for Llama-3.1-70B on v6e-2x4, it took 7 GB more.
            weights = gather(weights)
        positions = jax.tree.map(lambda table: table[kind], kinds)

        def normed(name: str, states: Array) -> Array:
            return norm(weights, name, states, config) if name in weights else states

        with jax.named_scope("attention"):
            attended = attention(weights, config, normed("attention_norm", states), positions)
            after = states + normed("attention_post_norm", attended)
        with jax.named_scope("mlp"):
            read = states if config.parallel else after
            after += normed("mlp_post_norm", mlp(weights, config, normed("mlp_norm", read)))
        return after, None

    states, _ = jax.lax.scan(layer, states, (params["layers"], kind_of_layer))
    return norm(params, "final_norm", states[:, first:], config)


def logits(params: Params, config: DecoderConfig, hidden: Array) -> Array:
    """The logits of every row of the head, float32 [..., V], from hidden states [..., D]."""
    with jax.named_scope("head"):
        head = params[head_name(config)]
        scores = jnp.einsum("...d,vd->...v", hidden, head, preferred_element_type=jnp.float32)
        return softcap(scores, config.final_softcap)


def head_name(config: DecoderConfig) -> str:
    """The parameter that is the head: the embedding table, where they are tied."""
    return "embed" if config.tied_head else "head"
