"""A second implementation of every supported family, in float64 NumPy: slow, and plain to read.

It shares no code with the engine but the reading of safetensors. One layer's weights are in memory at a time. Letters:
B windows, T tokens, D embed, H heads, K kv heads, E head_dim, F ffn. Source: the modeling files of transformers.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from byheart.verification.architecture import Architecture
from byheart.verification.experts import mix_experts
from byheart.verification.rotary import Floats, grow, rotate
from byheart.verification.weights import Weights

_TANH_GELUS = ("gelu_pytorch_tanh", "gelu_fast", "gelu_new")


def compute_states(model: Architecture, weights: Weights, token_ids: np.ndarray) -> Floats:
    """The normed states [B, T, D] after the last layer, from token ids [B, T]; the head makes logits of them."""
    embed = "gpt_neox.embed_in.weight" if model.name == "gpt_neox" else "model.embed_tokens.weight"
    states = look_up(weights, embed, token_ids, model.config["hidden_size"]) * model.embed_scale
    layer = _compute_neox_layer if model.name == "gpt_neox" else _compute_layer
    for index in range(model.config["num_hidden_layers"]):
        states = layer(model, weights, states, index)
    last = "gpt_neox.final_layer_norm" if model.name == "gpt_neox" else "model.norm"
    return _norm(model, weights, last, states)


def look_up(weights: Weights, table: str, token_ids: np.ndarray, width: int) -> Floats:
    """The rows [B, T, D] of a table that token ids [B, T] name."""
    states = np.zeros((*token_ids.shape, width))
    for first, rows in weights.read_rows(table):
        here = (token_ids >= first) & (token_ids < first + len(rows))
        states[here] = rows[token_ids[here] - first]
    return states


def name_head(model: Architecture) -> str:
    """The name of the tensor that makes logits of states."""
    if model.name == "gpt_neox":
        return "gpt_neox.embed_in.weight" if model.is_tied else "embed_out.weight"
    return "model.embed_tokens.weight" if model.is_tied else "lm_head.weight"


def cap(values: Floats, limit: float | None) -> Floats:
    """Values kept within the limit by tanh; None keeps them as they are."""
    return limit * np.tanh(values / limit) if limit else values


def _compute_layer(model: Architecture, weights: Weights, states: Floats, index: int) -> Floats:
    """Attention and MLP, each added to the states; families differ in where they norm."""
    name = f"model.layers.{index}."

    def norm(which: str, values: Floats) -> Floats:
        return _norm(model, weights, name + which, values) if which else values

    family, scale = model.family, model.config.get("residual_multiplier", 1)
    before = norm(family.before[0], states)
    attended = norm(family.after[0], _attend(model, weights, f"{name}self_attn.", before, index))
    between = states + scale * attended
    if not model.config.get("use_parallel_block"):
        before = norm(family.before[1], between)
    return between + scale * norm(family.after[1], _choose_mlp(model, weights, name, index)(before))


def _compute_neox_layer(model: Architecture, weights: Weights, states: Floats, index: int) -> Floats:
    name = f"gpt_neox.layers.{index}."
    attended = _attend(
        model, weights, f"{name}attention.", _norm(model, weights, f"{name}input_layernorm", states), index
    )
    before = states if model.config["use_parallel_residual"] else states + attended
    wide = _project(
        model, weights, f"{name}mlp.dense_h_to_4h", _norm(model, weights, f"{name}post_attention_layernorm", before)
    )
    return states + attended + _project(model, weights, f"{name}mlp.dense_4h_to_h", activate(model, wide))


def _attend(model: Architecture, weights: Weights, name: str, states: Floats, index: int) -> Floats:
    """Causal attention [B, T, D]: each query head looks at the key and value head of its group."""
    query, key, value = _make_heads(model, weights, name, states)
    query, key = turn_heads(model, query, key, index)
    if model.family.normed_after_rotation:
        query, key = _norm_queries_and_keys(model, weights, name, query, key)
    sinks = weights.read(name + model.family.sinks) if model.family.sinks else None
    joined = mix_heads(model, query, key, value, index, sinks)
    return _project(model, weights, name + ("dense" if model.name == "gpt_neox" else "o_proj"), joined)


def turn_heads(model: Architecture, query: Floats, key: Floats, index: int) -> tuple[Floats, Floats]:
    """Queries and keys, turned by their positions."""
    rope = model.ropes[index]
    if not rope:
        return query, key
    return rotate(query, rope) * grow(rope, query.shape[1])[:, None, None], rotate(key, rope)


def mix_heads(
    model: Architecture, query: Floats, key: Floats, value: Floats, index: int, sinks: Floats | None = None
) -> Floats:
    """The heads' mixtures of values, joined [B, T, H * E].

    Args:
        sinks: for each head the score of something that is attended to and has no value.
    """
    window, softcap = model.windows[index], model.config.get("attn_logit_softcapping")
    tokens = query.shape[1]
    distance = np.arange(tokens)[:, None] - np.arange(tokens)
    seen = (distance >= 0) & (distance < (window or tokens))
    sinks = np.full(model.heads, -np.inf) if sinks is None else sinks
    mixed = np.empty_like(query)
    for head in range(model.heads):
        group = head // (model.heads // model.kv_heads)
        scores = np.einsum("bte,bse->bts", query[:, :, head], key[:, :, group]) * model.find_attention_scale(index)
        scores = np.where(seen, cap(scores, softcap), -np.inf)
        largest = np.maximum(scores.max(axis=-1, keepdims=True), sinks[head])
        shares = np.exp(scores - largest)
        shares /= shares.sum(axis=-1, keepdims=True) + np.exp(sinks[head] - largest)
        mixed[:, :, head] = np.einsum("bts,bse->bte", shares, value[:, :, group])
    return mixed.reshape(*query.shape[:2], -1)


def _make_heads(model: Architecture, weights: Weights, name: str, states: Floats) -> tuple[Floats, Floats, Floats]:
    """Queries [B, T, H, E], keys and values [B, T, K, E], before they are turned."""
    heads, kv_heads, size = model.heads, model.kv_heads, model.head_dim

    def split(values: Floats, count: int) -> Floats:
        return values.reshape(*states.shape[:2], count, size)

    if model.name == "gpt_neox":  # each head holds its query, key and value
        fused = _project(model, weights, name + "query_key_value", states).reshape(*states.shape[:2], heads, 3, size)
        return fused[..., 0, :], fused[..., 1, :], fused[..., 2, :]
    if model.name == "phi3":
        fused = _project(model, weights, name + "qkv_proj", states)
        query, key, value = np.split(fused, (heads * size, (heads + kv_heads) * size), axis=-1)
    else:
        query, key, value = (_project(model, weights, f"{name}{which}_proj", states) for which in "qkv")
    if model.family.normed_together:
        query, key = _norm_queries_and_keys(model, weights, name, query, key)
    if limit := model.config.get("clip_qkv"):
        query, key, value = (np.clip(heads, -limit, limit) for heads in (query, key, value))
    query, key, value = split(query, heads), split(key, kv_heads), split(value, kv_heads)
    if not model.family.normed_together and not model.family.normed_after_rotation:
        query, key = _norm_queries_and_keys(model, weights, name, query, key)
    return query, key, value


def _norm_queries_and_keys(
    model: Architecture, weights: Weights, name: str, query: Floats, key: Floats
) -> tuple[Floats, Floats]:
    """Both normed over their last axis, if the family norms them."""
    of_query, of_key = model.family.query_key_norms
    if not of_query or (model.name == "glm4_moe" and not model.config.get("use_qk_norm")):
        return query, key
    return _norm(model, weights, name + of_query, query), _norm(model, weights, name + of_key, key)


def _choose_mlp(model: Architecture, weights: Weights, name: str, index: int) -> Callable[[Floats], Floats]:
    def apply(block: str, names: tuple[str, str, str], states: Floats) -> Floats:
        if model.name == "gpt_oss":
            return _apply_clamped_expert(model, weights, block, states)
        return _feed_forward(model, weights, block, states, names)

    routing = model.family.routing
    if routing and index in routing.list_layers(model.config):
        return lambda states: mix_experts(routing, model.config, weights, name, states, apply)
    return lambda states: _feed_forward(model, weights, f"{name}mlp.", states)


def _feed_forward(
    model: Architecture,
    weights: Weights,
    name: str,
    states: Floats,
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj"),
) -> Floats:
    """down(activation(gate) * up), or down(activation(up))."""
    if not model.family.gated:
        wide = _project(model, weights, name + "up_proj", states)
        if model.activation == "xielu":
            alphas = (float(weights.read(f"{name}act_fn.{alpha}")[0]) for alpha in ("alpha_p", "alpha_n"))
            return _project(model, weights, name + "down_proj", _xielu(wide, *alphas))
        return _project(model, weights, name + "down_proj", activate(model, wide))
    if model.name in ("phi3", "glm4"):
        gate, up = np.split(_project(model, weights, name + "gate_up_proj", states), 2, axis=-1)
    else:
        gate, up = (_project(model, weights, name + matrix, states) for matrix in names[:2])
    return _project(model, weights, name + names[2], activate(model, gate) * up)


def _apply_clamped_expert(model: Architecture, weights: Weights, name: str, states: Floats) -> Floats:
    """down(gate * sigmoid(alpha * gate) * (up + 1)) of one expert of the layer's tensors, whose matrices are [input,
    output] and have the columns of gate and up in turn.
    """
    block, _, expert = name.removesuffix(".").rpartition(".")
    limit, alpha = model.config["swiglu_limit"], model.config["swiglu_alpha"]

    def read(which: str) -> Floats:
        return weights.read_item(f"{block}.{which}", int(expert))

    both = states @ read("gate_up_proj") + read("gate_up_proj_bias")
    gate, up = np.minimum(both[..., 0::2], limit), np.clip(both[..., 1::2], -limit, limit)
    return (gate / (1 + np.exp(-alpha * gate)) * (up + 1)) @ read("down_proj") + read("down_proj_bias")


def _project(model: Architecture, weights: Weights, name: str, states: Floats) -> Floats:
    """A matrix stored as [output, input], and its bias if it has one."""
    weight = weights.read(name + ".weight")
    product = (states.reshape(-1, states.shape[-1]) @ weight.T).reshape(*states.shape[:-1], -1)
    return product + weights.read(name + ".bias") if model.has_bias(name) else product


def _norm(model: Architecture, weights: Weights, name: str, states: Floats) -> Floats:
    """Layer norm where config.json has its epsilon, else each row divided by its root mean square."""
    weight = weights.read(name + ".weight")
    if "layer_norm_eps" in model.family.defaults:
        centred = states - states.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        normed = centred / np.sqrt(variance + model.config["layer_norm_eps"]) * weight
        return normed + weights.read(name + ".bias") if model.family.norm_bias else normed
    mean_square = (states**2).mean(axis=-1, keepdims=True)
    normed = states / np.sqrt(mean_square + model.config.get("rms_norm_eps", 1e-6))
    return normed * (1 + weight if model.family.is_gemma else weight)


def _xielu(values: Floats, alpha_p: float, alpha_n: float) -> Floats:
    """The integral of a line where values are positive, of a shifted exponential elsewhere (arXiv 2411.13010)."""
    rising, falling = math.log1p(math.exp(alpha_p)), 0.5 + math.log1p(math.exp(alpha_n))
    below = np.minimum(values, -1e-6)
    return np.where(values > 0, rising * values**2, falling * (np.expm1(below) - values)) + values / 2


def activate(model: Architecture, values: Floats) -> Floats:
    """The activation of the MLP."""
    name: Any = model.activation
    if name in ("silu", "swish"):
        return values / (1 + np.exp(-values))
    if name in _TANH_GELUS:
        return values / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)))
    if name == "gelu":
        erf: Any = np.vectorize(math.erf, otypes=[np.float64])
        return values / 2 * (1 + erf(values / math.sqrt(2)))
    if name in ("relu", "relu2"):
        return np.maximum(values, 0) ** (2 if name == "relu2" else 1)
    raise ValueError(f"activation {name}")
