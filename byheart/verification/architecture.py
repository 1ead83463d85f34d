"""The architecture that a config.json describes, read for the reference decoder.

It repeats what `byheart.models` knows, and shares no code with it: an error in one of the two shows as a difference.
Source: the configuration classes of Hugging Face transformers.
"""

import dataclasses
from typing import Any

_FULL, _SLIDING = "full_attention", "sliding_attention"
_GEMMA: dict[str, Any] = {
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "tie_word_embeddings": True,
}
_GEMMA3 = _GEMMA | {
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "max_position_embeddings": 131_072,
    "num_attention_heads": 8,
    "num_hidden_layers": 26,
    "rope_theta": 1e6,
    "vocab_size": 262_208,
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {"max_position_embeddings": 2048},
    "mistral": {"max_position_embeddings": 131_072, "num_key_value_heads": 8, "sliding_window": 4096},
    "mixtral": {
        "max_position_embeddings": 131_072,
        "num_experts_per_tok": 2,
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "rms_norm_eps": 1e-5,
        "rope_theta": 1e6,
    },
    "qwen2": {"max_position_embeddings": 32_768, "num_key_value_heads": 32, "sliding_window": 4096},
    "qwen3": {
        "head_dim": 128,
        "max_position_embeddings": 32_768,
        "num_key_value_heads": 32,
        "sliding_window": 4096,
    },
    "phi3": {"max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5},
    "olmo2": {"max_position_embeddings": 2048, "rms_norm_eps": 1e-5},
    "gemma2": _GEMMA
    | {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "max_position_embeddings": 8192},
    "gemma3_text": _GEMMA3,
    "gpt_neox": {
        "attention_bias": True,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": 2048,
        "rotary_emb_base": 10_000.0,
        "rotary_pct": 0.25,
        "use_parallel_residual": True,
    },
}
"""What transformers takes for a field that is missing."""
_WITHOUT_BIASES = ("mistral", "mixtral", "phi3")
FAMILIES = (*_DEFAULTS, "gemma3")
"""The families that the reference decoder computes, by model_type."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """A decoder, as its config.json describes it."""

    family: str
    config: dict[str, Any]
    """The fields, with the family's defaults."""
    prefix: str
    """The beginning of every tensor's name."""
    windows: tuple[int | None, ...]
    """For each layer the sliding window: a token sees so many positions, its own included; None is all."""
    ropes: tuple[dict[str, Any], ...]
    """For each layer the fields of its rotary embedding, `rope_theta` among them."""

    @property
    def heads(self) -> int:
        """The query heads of a layer."""
        return self.config["num_attention_heads"]

    @property
    def kv_heads(self) -> int:
        """The key and value heads of a layer."""
        return self.config.get("num_key_value_heads") or self.heads

    @property
    def head_dim(self) -> int:
        """The numbers of a head."""
        return self.config.get("head_dim") or self.config["hidden_size"] // self.heads

    @property
    def activation(self) -> str:
        """The name of the activation."""
        name = "hidden_activation" if self.is_gemma else "hidden_act"
        return self.config.get(name) or "silu"

    @property
    def is_gemma(self) -> bool:
        """Whether norms have the weight 1 + w, and embeddings are scaled."""
        return self.family.startswith("gemma")

    def has_bias(self, name: str) -> bool:
        """Whether a projection has a bias, by the name of its tensor."""
        if self.family == "qwen2":
            return name.endswith(("q_proj", "k_proj", "v_proj"))
        if "attention." in name or "self_attn." in name:
            return self.family not in _WITHOUT_BIASES and bool(self.config.get("attention_bias", False))
        return self.family == "gpt_neox" or (self.family == "llama" and bool(self.config.get("mlp_bias", False)))

    @property
    def is_tied(self) -> bool:
        """Whether the head is the embedding."""
        return bool(self.config.get("tie_word_embeddings", False))


def read_architecture(config: dict[str, Any]) -> Architecture | None:
    """The architecture of a config.json; None for a family that the reference decoder does not compute."""
    family, prefix = config.get("model_type", ""), ""
    if family == "gemma3":
        config, family, prefix = config["text_config"], "gemma3_text", "language_model."
    if family not in _DEFAULTS:
        return None
    fields = _DEFAULTS[family] | {
        name: value for name, value in config.items() if value is not None or name == "sliding_window"
    }
    layers = fields["num_hidden_layers"]
    kinds = _list_layer_kinds(family, fields)
    window = fields.get("sliding_window")
    return Architecture(
        family=family,
        config=fields,
        prefix=prefix,
        windows=tuple(window if kind == _SLIDING else None for kind in kinds),
        ropes=tuple(_read_rope(family, fields, kind) for kind in kinds[:layers]),
    )


def _list_layer_kinds(family: str, fields: dict[str, Any]) -> list[str]:
    """For each layer, whether it slides."""
    layers = range(fields["num_hidden_layers"])
    if family in ("mistral", "mixtral", "phi3"):
        return [_SLIDING if fields.get("sliding_window") else _FULL for _ in layers]
    if family in ("qwen2", "qwen3"):
        if not fields.get("use_sliding_window"):
            return [_FULL for _ in layers]
        first = fields.get("max_window_layers", 28)
        return list(fields.get("layer_types") or (_SLIDING if layer >= first else _FULL for layer in layers))
    if family == "gemma2":
        return list(fields.get("layer_types") or (_FULL if layer % 2 else _SLIDING for layer in layers))
    if family == "gemma3_text":
        every = fields.get("sliding_window_pattern", 6)
        return list(fields.get("layer_types") or (_SLIDING if (layer + 1) % every else _FULL for layer in layers))
    return [_FULL for _ in layers]


def _read_rope(family: str, fields: dict[str, Any], kind: str) -> dict[str, Any]:
    """The rotary embedding of a layer: its base, its scaling, and the share of a head that it turns."""
    theta = fields.get("rope_theta", 10_000.0)
    older, newer = fields.get("rope_scaling") or {}, fields.get("rope_parameters") or {}
    if family == "gemma3_text":
        if kind == _SLIDING:
            theta, older = fields.get("rope_local_base_freq", 10_000.0), {}
        newer = newer.get(kind, {})
    if family == "gpt_neox":
        theta = fields["rotary_emb_base"]
    share = fields["rotary_pct"] if family == "gpt_neox" else fields.get("partial_rotary_factor", 1.0)
    rope = {"rope_theta": theta, "partial_rotary_factor": share} | (newer | older)
    rope["kind"] = rope.get("rope_type") or rope.get("type") or "default"
    if family == "phi3" and rope["kind"] != "default":
        rope["kind"] = "longrope"
    original = fields.get("original_max_position_embeddings") or rope.get("original_max_position_embeddings")
    return rope | {
        "original_max_position_embeddings": original or fields["max_position_embeddings"],
        "max_position_embeddings": fields["max_position_embeddings"],
    }
