"""The description of an architecture of GGUF; the other files in this folder each describe some, a row each."""

import dataclasses
from collections.abc import Callable
from typing import Any

from byheart.components.download.gguf.architectures.making import Made, both, once
from byheart.components.download.gguf.metadata import Metadata

EMBED, HEAD = "token_embd.weight", "output.weight"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """The models whose field `general.architecture` is the same."""

    name: str
    describe: Callable[[Metadata], dict[str, Any]]
    """The content of config.json: what the fields say, and what llama.cpp has in its source for all such models."""
    tensors: tuple[Made, ...]
    """What the tensors of safetensors are made of; those whose source is missing are left out."""
    without_effect: tuple[str, ...] = ()
    """Fields that change no score, beside those of all architectures."""


MODEL = once({EMBED: "model.embed_tokens.weight", HEAD: "lm_head.weight", "output_norm.weight": "model.norm.weight"})
"""The tensors of the whole model, as most families name them."""
ATTENTION = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
}
NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
QUERY_KEY_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
MLP = {"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
LAYER = ATTENTION | NORMS | MLP
"""The parts of a layer of Llama."""
LLAMA = MODEL + both(LAYER)


def read_sizes(metadata: Metadata, *, epsilon: str = "rms_norm_eps", value_dim: int | None = None) -> dict[str, Any]:
    """The fields of config.json that most families share.

    Args:
        epsilon: the family's name of the norms' epsilon; a norm that does not subtract the mean has `rms` in it.
        value_dim: the numbers of a value, if it has others than a key.
    """
    gguf, head_dim = metadata.gguf, metadata.head_dim
    if EMBED not in gguf.tensors:
        gguf.refuse(f"hold {EMBED}", "none", "fetch it again")
    metadata.require("attention.value_length", head_dim if value_dim is None else value_dim)
    metadata.require("attention.causal", True)
    kind = "layer_norm_rms_epsilon" if "rms" in epsilon else "layer_norm_epsilon"
    return {
        "vocab_size": gguf.tensors[EMBED].shape[0],
        "hidden_size": metadata.embed,
        "intermediate_size": metadata.integer("feed_forward_length"),
        "num_hidden_layers": metadata.layers,
        "num_attention_heads": metadata.heads,
        "num_key_value_heads": metadata.kv_heads,
        "head_dim": head_dim,
        "max_position_embeddings": metadata.integer("context_length"),
        epsilon: metadata.number(f"attention.{kind}"),
        "tie_word_embeddings": HEAD not in gguf.tensors,
    }


def has_bias(metadata: Metadata, part: str) -> bool:
    """Whether a part of a layer has a bias."""
    return metadata.has(f"blk.{{layer}}.{part}.bias")


def read_layer_types(metadata: Metadata, *, every: int) -> list[str]:
    """Which layers slide: as the file says, otherwise all but every n-th."""
    name = "attention.sliding_window_pattern"
    if metadata.is_list(name):
        slides: tuple[bool, ...] = metadata.list(name, bool) or ()
    else:
        every = metadata.integer(name, every, least=0)
        slides = tuple(not every or layer % every < every - 1 for layer in range(metadata.layers))
    return ["sliding_attention" if slide else "full_attention" for slide in slides]


def read_expert_counts(metadata: Metadata, count: str = "num_experts") -> dict[str, int]:
    """How many experts there are, and how many a token has.

    Args:
        count: the family's name for how many there are.
    """
    return {
        count: metadata.integer("expert_count"),
        "num_experts_per_tok": metadata.integer("expert_used_count"),
    }
