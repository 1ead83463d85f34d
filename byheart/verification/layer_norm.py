"""The reference decoder of the families that have layer norms: GPT-2 and those after it, GPT-NeoX apart.

Letters: B windows, T tokens, D embed, H heads, K kv heads, E head_dim. Source: the modeling files of transformers.
"""

import dataclasses

import numpy as np

from byheart.verification import decoder
from byheart.verification.architecture import Architecture
from byheart.verification.decoder import activate, look_up, mix_heads, turn_heads
from byheart.verification.rotary import Floats
from byheart.verification.weights import Weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Names:
    """The tensors of a family's checkpoint, without `.weight` and `.bias`; the defaults are those of Llama."""

    embed: str = "model.embed_tokens"
    positions: str = ""
    """The table of learned positions; empty where there is none."""
    layer: str = "model.layers.{}."
    first: tuple[str, ...] = ("input_layernorm",)
    """Of the norm before attention; the first that there is."""
    second: tuple[str, ...] = ("post_attention_layernorm",)
    """Of the norm before the MLP; where there is none, it reads what attention reads."""
    heads: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    """Of queries, keys and values; one for all of them."""
    output: str = "self_attn.o_proj"
    gate: str = ""
    up: str = "mlp.up_proj"
    down: str = "mlp.down_proj"
    last: str = "model.norm"
    epsilon: str
    """The field with the epsilon of norms."""
    is_parallel: bool | str = False
    """Whether attention and MLP read the same states, or the field that says so."""
    offset: float = 0.0
    """What is added to the weights of norms."""
    is_transposed: bool = False
    """Whether matrices are [input, output]."""


_GPT_2 = _Names(
    embed="transformer.wte",
    positions="transformer.wpe",
    layer="transformer.h.{}.",
    first=("ln_1",),
    second=("ln_2",),
    heads=("attn.c_attn",),
    output="attn.c_proj",
    up="mlp.c_fc",
    down="mlp.c_proj",
    last="transformer.ln_f",
    epsilon="layer_norm_epsilon",
    is_transposed=True,
)
_NAMES = {
    "gpt2": _GPT_2,
    "gptj": dataclasses.replace(
        _GPT_2,
        positions="",
        heads=("attn.q_proj", "attn.k_proj", "attn.v_proj"),
        output="attn.out_proj",
        up="mlp.fc_in",
        down="mlp.fc_out",
        is_parallel=True,
        is_transposed=False,
    ),
    "falcon": _Names(
        embed="transformer.word_embeddings",
        layer="transformer.h.{}.",
        first=("input_layernorm", "ln_attn"),
        second=("post_attention_layernorm", "ln_mlp"),
        heads=("self_attention.query_key_value",),
        output="self_attention.dense",
        up="mlp.dense_h_to_4h",
        down="mlp.dense_4h_to_h",
        last="transformer.ln_f",
        epsilon="layer_norm_epsilon",
        is_parallel="parallel_attn",
    ),
    "starcoder2": _Names(up="mlp.c_fc", down="mlp.c_proj", epsilon="norm_epsilon"),
    "stablelm": _Names(gate="mlp.gate_proj", epsilon="layer_norm_eps", is_parallel="use_parallel_residual"),
    "nemotron": _Names(epsilon="norm_eps", offset=1.0),
    "phi": _Names(
        output="self_attn.dense",
        up="mlp.fc1",
        down="mlp.fc2",
        last="model.final_layernorm",
        epsilon="layer_norm_eps",
        is_parallel=True,
    ),
}


def compute_states(model: Architecture, weights: Weights, token_ids: np.ndarray) -> Floats:
    """The normed states [B, T, D] after the last layer of any family, from token ids [B, T]."""
    names = _NAMES.get(model.name)
    if not names:
        return decoder.compute_states(model, weights, token_ids)
    states = look_up(weights, f"{names.embed}.weight", token_ids, model.config["hidden_size"])
    if names.positions:
        states += weights.read(f"{names.positions}.weight")[: token_ids.shape[1]]
    for index in range(model.config["num_hidden_layers"]):
        states = _compute_layer(model, names, weights, states, index)
    return _norm(model, names, weights, names.last, states)


def name_head(model: Architecture) -> str:
    """The name of the tensor that makes logits of states, of any family."""
    if model.name not in _NAMES:
        return decoder.name_head(model)
    return f"{_NAMES[model.name].embed}.weight" if model.is_tied else "lm_head.weight"


def read_head_bias(model: Architecture, weights: Weights) -> Floats:
    """What is added to logits [V]; 0 for most families."""
    has_bias = model.name in ("gptj", "phi")
    return weights.read("lm_head.bias") if has_bias else np.zeros(model.config["vocab_size"])


def _compute_layer(model: Architecture, names: _Names, weights: Weights, states: Floats, index: int) -> Floats:
    layer = names.layer.format(index)

    def find(options: tuple[str, ...]) -> str:
        return next((layer + name for name in options if weights.has(f"{layer}{name}.weight")), "")

    before = _norm(model, names, weights, find(names.first), states)
    query, key, value = _make_heads(model, names, weights, layer, before)
    query, key = turn_heads(model, query, key, index)
    attended = _project(names, weights, layer + names.output, mix_heads(model, query, key, value, index))
    is_parallel = names.is_parallel if isinstance(names.is_parallel, bool) else model.config[names.is_parallel]
    second = find(names.second)
    if second:
        before = _norm(model, names, weights, second, states if is_parallel else states + attended)
    wide = _project(names, weights, layer + (names.gate or names.up), before)
    wide = activate(model, wide)
    if names.gate:
        wide *= _project(names, weights, layer + names.up, before)
    return states + attended + _project(names, weights, layer + names.down, wide)


def _make_heads(
    model: Architecture, names: _Names, weights: Weights, layer: str, states: Floats
) -> tuple[Floats, Floats, Floats]:
    """Queries [B, T, H, E], keys and values [B, T, K, E], before they are turned."""
    shape = (*states.shape[:2], -1, model.head_dim)
    projected = [_project(names, weights, layer + name, states).reshape(shape) for name in names.heads]
    if model.name == "falcon":  # each key and value head behind its query heads
        groups = projected[0].reshape(*states.shape[:2], model.kv_heads, -1, model.head_dim)
        return groups[..., :-2, :].reshape(shape), groups[..., -2, :], groups[..., -1, :]
    query, key, value = np.split(projected[0], 3, axis=2) if len(projected) == 1 else projected
    if model.config.get("qk_layernorm"):
        query, key = (
            _norm_heads(model, names, weights, f"{layer}self_attn.{which}_layernorm", values)
            for which, values in (("q", query), ("k", key))
        )
    return query, key, value


def _norm_heads(model: Architecture, names: _Names, weights: Weights, name: str, heads: Floats) -> Floats:
    """Each head normed by itself: with weights of its own in StableLM, with those of all heads in Phi."""
    if model.name != "stablelm":
        return _norm(model, names, weights, name, heads)
    each = [
        _norm(model, names, weights, f"{name}.norms.{head}", heads[:, :, head], has_bias=False)
        for head in range(heads.shape[2])
    ]
    return np.stack(each, axis=2)


def _project(names: _Names, weights: Weights, name: str, states: Floats) -> Floats:
    """The product with a matrix, and its bias if the checkpoint has one."""
    weight = weights.read(f"{name}.weight")
    product = states @ (weight if names.is_transposed else weight.T)
    return product + weights.read(f"{name}.bias") if weights.has(f"{name}.bias") else product


def _norm(
    model: Architecture, names: _Names, weights: Weights, name: str, states: Floats, *, has_bias: bool = True
) -> Floats:
    """States with mean 0 and variance 1, times the weight, plus the bias."""
    centred = states - states.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt(variance + model.config[names.epsilon])
    normed *= weights.read(f"{name}.weight") + names.offset
    return normed + weights.read(f"{name}.bias") if has_bias else normed
