"""What each family that the reference decoder computes has of its own: a row each.

It repeats what `byheart.models` knows, and shares no code with it: an error in one of the two shows as a difference.
Source: the configuration and modeling files of Hugging Face transformers.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from byheart.verification.experts import Routing, after_the_first, in_every_nth

FULL, SLIDING = "full_attention", "sliding_attention"

Fields = dict[str, Any]
"""A config.json, with the family's defaults."""


def _never_slide(fields: Fields) -> list[str]:
    return [FULL] * fields["num_hidden_layers"]


def _slide_if_there_is_a_window(fields: Fields) -> list[str]:
    return [SLIDING if fields.get("sliding_window") else FULL] * fields["num_hidden_layers"]


def _slide_in_upper_layers(fields: Fields) -> list[str]:
    layers, first = range(fields["num_hidden_layers"]), fields.get("max_window_layers", 28)
    if not fields.get("use_sliding_window"):
        return [FULL for _ in layers]
    return list(fields.get("layer_types") or (SLIDING if layer >= first else FULL for layer in layers))


def _slide_in_even_lower_layers(fields: Fields) -> list[str]:
    layers, stop = range(fields["num_hidden_layers"]), fields["max_window_layers"]
    if not fields.get("use_sliding_window"):
        return [FULL for _ in layers]
    return list(fields.get("layer_types") or (FULL if layer % 2 or layer >= stop else SLIDING for layer in layers))


def _slide_but_in_each_nth(fields: Fields) -> list[str]:
    """The period is the field `sliding_window_pattern`, which some families' files never have."""
    layers, every = range(1, fields["num_hidden_layers"] + 1), fields.get("sliding_window_pattern", 0)
    return list(fields.get("layer_types") or (SLIDING if layer % every else FULL for layer in layers))


def _find_full(fields: Fields) -> list[int]:
    """The full layers, where others slide."""
    kinds = _slide_but_in_each_nth(fields)
    return [layer for layer, kind in enumerate(kinds) if kind == FULL and fields.get("sliding_window")]


def _slide_without_rotation(fields: Fields) -> list[str]:
    """Of SmolLM3 those layers slide, if any, that do not rotate."""
    layers, unrotated = range(fields["num_hidden_layers"]), _find_no_rope_layers(fields)
    slides = fields.get("use_sliding_window") and fields.get("sliding_window")
    return list(fields.get("layer_types") or (SLIDING if slides and layer in unrotated else FULL for layer in layers))


def _find_no_rope_layers(fields: Fields) -> list[int]:
    layers, every = range(fields["num_hidden_layers"]), fields.get("no_rope_layer_interval", 4)
    rotates = fields.get("no_rope_layers") or [(layer + 1) % every for layer in layers]
    return [layer for layer in layers if not rotates[layer]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """The models of one model_type; the defaults are those of Llama."""

    defaults: Fields
    """What transformers takes for a field of config.json that is missing."""
    other_names: dict[str, str] = dataclasses.field(default_factory=dict)
    """The family's names of fields, and those of Llama for the same."""
    list_layer_kinds: Callable[[Fields], list[str]] = _never_slide
    """For each layer, whether it slides."""
    find_unrotated: Callable[[Fields], list[int]] | None = None
    """The numbers of the layers that do not rotate queries and keys; None is none."""
    interleaved: bool = False
    """Whether the numbers (2i, 2i + 1) of a head are rotated as a pair, and not (i, i + R/2)."""
    ropes_by_kind: bool = False
    """Whether `rope_parameters` has an object for each kind of layer."""
    sliding_base: str = "rope_theta"
    """The field with the base of sliding layers' rotary embedding, in the older layout."""
    rope: Fields = dataclasses.field(default_factory=dict)
    """The rotary embedding where config.json describes none."""

    before: tuple[str, str] = ("input_layernorm", "post_attention_layernorm")
    """The norms before attention and before the MLP; empty where there is none."""
    after: tuple[str, str] = ("", "")
    """The norms after them."""
    query_key_norms: tuple[str, str] = ("", "")
    """The norms of queries and of keys."""
    normed_after_rotation: bool = False
    normed_together: bool = False
    """Whether these take all heads of a token together, and not each head by itself."""
    norm_bias: bool = False
    """Whether layer norms have a bias."""
    is_gemma: bool = False
    """Whether norms have the weight 1 + w, and embeddings are scaled by the root of their width."""

    query_key_value_bias: bool | str = "attention_bias"
    """Whether there is one, or the field that says so."""
    output_bias: bool | str = "attention_bias"
    mlp_bias: bool | str = False
    gated: bool = True
    """Whether the MLP is down(activation(gate) * up), and not down(activation(up))."""
    sinks: str = ""
    """The tensor with a number for each head that takes a share of its attention; empty where there is none."""
    routing: Routing | None = None
    """The experts, if there are any."""
    activation: str = "hidden_act"
    """The field with its name."""


_GEMMA: Fields = {
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "tie_word_embeddings": True,
}
_GEMMA_2 = Family(
    defaults=_GEMMA
    | {
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "max_position_embeddings": 8192,
        "sliding_window_pattern": 2,
    },
    list_layer_kinds=_slide_but_in_each_nth,
    before=("input_layernorm", "pre_feedforward_layernorm"),
    after=("post_attention_layernorm", "post_feedforward_layernorm"),
    is_gemma=True,
    activation="hidden_activation",
)
_AFTER_ONLY = Family(
    defaults={"max_position_embeddings": 2048, "rms_norm_eps": 1e-5},
    before=("", ""),
    after=("post_attention_layernorm", "post_feedforward_layernorm"),
    query_key_norms=("q_norm", "k_norm"),
)
_GPT_NAMES = {
    "activation_function": "hidden_act",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
}
_QWEN: Fields = {"max_position_embeddings": 32_768, "num_key_value_heads": 32, "sliding_window": 4096}
_QWEN_EXPERTS = _QWEN | {
    "norm_topk_prob": False,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_key_value_heads": 4,
}

FAMILIES: dict[str, Family] = {
    "llama": Family(defaults={"max_position_embeddings": 2048}, mlp_bias="mlp_bias"),
    "mistral": Family(
        defaults={"max_position_embeddings": 131_072, "num_key_value_heads": 8, "sliding_window": 4096},
        list_layer_kinds=_slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "mixtral": Family(
        defaults={
            "max_position_embeddings": 131_072,
            "num_experts_per_tok": 2,
            "num_key_value_heads": 8,
            "num_local_experts": 8,
            "rms_norm_eps": 1e-5,
            "rope_theta": 1e6,
        },
        list_layer_kinds=_slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
        routing=Routing(
            block="block_sparse_moe.", names=("w1", "w3", "w2"), count="num_local_experts", normalized=True
        ),
    ),
    "qwen2": Family(
        defaults=_QWEN, list_layer_kinds=_slide_in_upper_layers, query_key_value_bias=True, output_bias=False
    ),
    "qwen3": Family(
        defaults=_QWEN | {"head_dim": 128},
        list_layer_kinds=_slide_in_upper_layers,
        query_key_norms=("q_norm", "k_norm"),
    ),
    "qwen3_moe": Family(
        defaults=_QWEN_EXPERTS,
        list_layer_kinds=lambda fields: _slide_if_there_is_a_window(
            fields | {"sliding_window": fields.get("use_sliding_window") and fields["sliding_window"]}
        ),
        query_key_norms=("q_norm", "k_norm"),
        routing=Routing(list_layers=in_every_nth),
    ),
    "qwen2_moe": Family(
        defaults=_QWEN_EXPERTS
        | {"max_window_layers": 28, "num_experts": 60, "num_experts_per_tok": 4, "num_key_value_heads": 16}
        | {"qkv_bias": True},
        list_layer_kinds=_slide_in_even_lower_layers,
        query_key_value_bias="qkv_bias",
        output_bias=False,
        routing=Routing(list_layers=in_every_nth, shared="shared_expert", shared_gate="shared_expert_gate"),
    ),
    "gpt_oss": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 64,
            "max_position_embeddings": 131_072,
            "num_experts_per_tok": 4,
            "num_key_value_heads": 8,
            "num_local_experts": 128,
            "rms_norm_eps": 1e-5,
            "rope_theta": 150_000.0,
            "sliding_window": 128,
            "sliding_window_pattern": 2,
            "swiglu_alpha": 1.702,
            "swiglu_limit": 7.0,
        },
        list_layer_kinds=_slide_but_in_each_nth,
        rope={
            "rope_type": "yarn",
            "factor": 32.0,
            "original_max_position_embeddings": 4096,
            "truncate": False,
        },
        sinks="sinks",
        routing=Routing(router="router", count="num_local_experts", normalized=True),
    ),
    "glm4_moe": Family(
        defaults={
            "first_k_dense_replace": 1,
            "max_position_embeddings": 131_072,
            "n_group": 1,
            "n_routed_experts": 128,
            "norm_topk_prob": True,
            "num_experts_per_tok": 8,
            "num_key_value_heads": 8,
            "partial_rotary_factor": 0.5,
            "rms_norm_eps": 1e-5,
            "topk_group": 1,
        },
        query_key_norms=("q_norm", "k_norm"),
        output_bias=False,
        routing=Routing(list_layers=after_the_first, count="n_routed_experts", sigmoid=True, shared="shared_experts"),
    ),
    "olmoe": Family(
        defaults={"max_position_embeddings": 4096, "num_experts": 64, "num_experts_per_tok": 8, "rms_norm_eps": 1e-5}
        | {"norm_topk_prob": False},
        query_key_norms=("q_norm", "k_norm"),
        normed_together=True,
        routing=Routing(),
    ),
    "phi3": Family(
        defaults={
            "max_position_embeddings": 4096,
            "original_max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
        },
        list_layer_kinds=_slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "olmo2": dataclasses.replace(_AFTER_ONLY, normed_together=True),
    "olmo3": dataclasses.replace(
        _AFTER_ONLY,
        defaults=_AFTER_ONLY.defaults | {"rope_theta": 5e5, "sliding_window": 4096, "sliding_window_pattern": 4},
        list_layer_kinds=_slide_but_in_each_nth,
        ropes_by_kind=True,
        normed_together=True,
    ),
    "exaone4": dataclasses.replace(
        _AFTER_ONLY,
        defaults=_AFTER_ONLY.defaults
        | {"num_key_value_heads": 32, "sliding_window": 4096, "sliding_window_pattern": 4},
        list_layer_kinds=_slide_but_in_each_nth,
        find_unrotated=_find_full,
        query_key_value_bias=False,
        output_bias=False,
    ),
    "smollm3": Family(
        defaults={
            "max_position_embeddings": 32_768,
            "num_key_value_heads": 4,
            "rope_theta": 2e6,
            "tie_word_embeddings": True,
        },
        list_layer_kinds=_slide_without_rotation,
        find_unrotated=_find_no_rope_layers,
        mlp_bias="mlp_bias",
    ),
    "apertus": Family(
        defaults={"hidden_act": "xielu", "max_position_embeddings": 65_536, "rms_norm_eps": 1e-5, "rope_theta": 12e6},
        before=("attention_layernorm", "feedforward_layernorm"),
        query_key_norms=("q_norm", "k_norm"),
        gated=False,
        rope={
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192,
            "rope_theta": 12e6,
            "rope_type": "llama3",
        },
    ),
    "ministral3": Family(
        defaults={
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-5,
        },
        list_layer_kinds=_slide_if_there_is_a_window,
        query_key_value_bias=False,
        output_bias=False,
        rope={
            "factor": 16.0,
            "llama_4_scaling_beta": 0.1,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "original_max_position_embeddings": 16_384,
            "rope_theta": 1e6,
            "rope_type": "yarn",
        },
    ),
    "seed_oss": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 128,
            "max_position_embeddings": 524_288,
            "num_key_value_heads": 8,
        },
        output_bias="attention_out_bias",
        mlp_bias="mlp_bias",
    ),
    "glm4": Family(
        defaults={
            "attention_bias": True,
            "head_dim": 128,
            "max_position_embeddings": 131_072,
            "num_key_value_heads": 2,
            "partial_rotary_factor": 0.5,
            "rms_norm_eps": 1.5625e-7,
        },
        after=("post_self_attn_layernorm", "post_mlp_layernorm"),
        interleaved=True,
        output_bias=False,
    ),
    "granite": Family(defaults={"attention_multiplier": 1.0, "max_position_embeddings": 2048}, mlp_bias="mlp_bias"),
    "cohere2": Family(
        defaults={
            "layer_norm_eps": 1e-5,
            "logit_scale": 0.0625,
            "max_position_embeddings": 8192,
            "sliding_window": 4096,
            "sliding_window_pattern": 4,
            "tie_word_embeddings": True,
            "use_parallel_block": True,
        },
        list_layer_kinds=_slide_but_in_each_nth,
        find_unrotated=_find_full,
        interleaved=True,
        before=("input_layernorm", ""),
    ),
    "hunyuan_v1_dense": Family(
        defaults={"max_position_embeddings": 2048, "rms_norm_eps": 1e-5},
        query_key_norms=("query_layernorm", "key_layernorm"),
        normed_after_rotation=True,
    ),
    "vaultgemma": dataclasses.replace(_GEMMA_2, after=("", "")),
    "gemma2": _GEMMA_2,
    "gemma3_text": dataclasses.replace(
        _GEMMA_2,
        defaults=_GEMMA
        | {
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "max_position_embeddings": 131_072,
            "num_attention_heads": 8,
            "num_hidden_layers": 26,
            "rope_local_base_freq": 1e4,
            "rope_theta": 1e6,
            "sliding_window_pattern": 6,
            "vocab_size": 262_208,
        },
        ropes_by_kind=True,
        sliding_base="rope_local_base_freq",
        query_key_norms=("q_norm", "k_norm"),
    ),
    "gpt_neox": Family(
        defaults={
            "attention_bias": True,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 2048,
            "rotary_emb_base": 10_000.0,
            "rotary_pct": 0.25,
            "use_parallel_residual": True,
        },
        norm_bias=True,
        mlp_bias=True,
    ),
    "gpt2": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 768,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 1024,
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "tie_word_embeddings": True,
            "vocab_size": 50_257,
        },
        other_names=_GPT_NAMES,
        find_unrotated=lambda fields: [*range(fields["num_hidden_layers"])],
    ),
    "gptj": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 4096,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 2048,
            "num_attention_heads": 16,
            "num_hidden_layers": 28,
            "rotary_dim": 64,
            "vocab_size": 50_400,
        },
        other_names=_GPT_NAMES,
        interleaved=True,
    ),
    "falcon": Family(
        defaults={
            "hidden_act": "gelu",
            "hidden_size": 4544,
            "layer_norm_epsilon": 1e-5,
            "max_position_embeddings": 2048,
            "multi_query": True,
            "new_decoder_architecture": False,
            "num_attention_heads": 71,
            "num_hidden_layers": 32,
            "parallel_attn": True,
            "tie_word_embeddings": True,
            "vocab_size": 65_024,
        },
        other_names={"activation": "hidden_act", "num_kv_heads": "num_key_value_heads"},
    ),
    "starcoder2": Family(
        defaults={
            "hidden_act": "gelu_pytorch_tanh",
            "hidden_size": 3072,
            "max_position_embeddings": 4096,
            "norm_epsilon": 1e-5,
            "num_attention_heads": 24,
            "num_hidden_layers": 30,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "vocab_size": 49_152,
        },
        list_layer_kinds=_slide_if_there_is_a_window,
    ),
    "stablelm": Family(
        defaults={
            "hidden_size": 2560,
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 4096,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "partial_rotary_factor": 0.25,
            "use_parallel_residual": False,
            "vocab_size": 50_304,
        },
    ),
    "nemotron": Family(
        defaults={
            "hidden_act": "relu2",
            "hidden_size": 6144,
            "max_position_embeddings": 4096,
            "norm_eps": 1e-5,
            "num_attention_heads": 48,
            "num_hidden_layers": 32,
            "partial_rotary_factor": 0.5,
            "vocab_size": 256_000,
        },
    ),
    "phi": Family(
        defaults={
            "hidden_act": "gelu_new",
            "hidden_size": 2048,
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": 2048,
            "num_attention_heads": 32,
            "num_hidden_layers": 24,
            "partial_rotary_factor": 0.5,
            "vocab_size": 51_200,
        },
    ),
}
"""By model_type."""
LATENT, CHUNKED = "multi-head latent attention", "attention in chunks"
TRANSFORMERS_ALONE = {"deepseek_v2": LATENT, "deepseek_v3": LATENT, "llama4": CHUNKED, "llama4_text": CHUNKED}
"""Families that the engine computes and the reference decoder does not, and the feature that it would have to have."""
