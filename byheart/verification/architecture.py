"""The architecture that a config.json describes, read for the reference decoder."""

import dataclasses
from typing import Any

from byheart.verification.families import FAMILIES
from byheart.verification.family import Family
from byheart.verification.layer_kinds import SLIDING

NAMES = (*FAMILIES, "gemma3", "mistral3")
"""The families that the reference decoder computes, by model_type."""
_MAY_BE_NULL = ("attn_logit_softcapping", "final_logit_softcapping", "sliding_window")
"""Fields that say by null that there is none; null stands for the family's default in others."""
_QUERY_KEY_VALUE = ("q_proj", "k_proj", "v_proj", "query_key_value")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """A decoder, as its config.json describes it."""

    name: str
    """The model_type."""
    family: Family
    config: dict[str, Any]
    """The fields, with the family's defaults."""
    prefix: str
    """The beginning of every tensor's name."""
    windows: tuple[int | None, ...]
    """For each layer the sliding window: a token sees so many positions, its own included; None is all."""
    ropes: tuple[dict[str, Any] | None, ...]
    """For each layer the fields of its rotary embedding, `rope_theta` among them; None rotates nothing."""

    @property
    def heads(self) -> int:
        """The query heads of a layer."""
        return self.config["num_attention_heads"]

    @property
    def kv_heads(self) -> int:
        """The key and value heads of a layer."""
        if self.name == "falcon" and not self.config["new_decoder_architecture"]:
            return 1 if self.config["multi_query"] else self.heads
        return self.config.get("num_key_value_heads") or self.heads

    @property
    def head_dim(self) -> int:
        """The numbers of a head."""
        return self.config.get("head_dim") or self.config["hidden_size"] // self.heads

    @property
    def activation(self) -> str:
        """The name of the activation."""
        return self.config.get(self.family.activation) or "silu"

    def find_attention_scale(self, layer: int) -> float:
        """The factor of a layer's products of query and key."""
        if self.config.get("scale_attn_by_inverse_layer_idx"):
            return self._attention_scale / (layer + 1)
        return self._attention_scale

    @property
    def _attention_scale(self) -> float:
        if not self.config.get("scale_attn_weights", True):
            return 1.0
        if "attention_multiplier" in self.config:
            return self.config["attention_multiplier"]
        return (self.config.get("query_pre_attn_scalar") or self.head_dim) ** -0.5

    @property
    def embed_scale(self) -> float:
        """The factor of embeddings."""
        return self.config["hidden_size"] ** 0.5 if self.family.is_gemma else self.config.get("embedding_multiplier", 1)

    @property
    def logit_scale(self) -> float:
        """The factor of logits, before they are capped."""
        return self.config.get("logit_scale", 1) / self.config.get("logits_scaling", 1)

    def has_bias(self, name: str) -> bool:
        """Whether a projection has a bias, by the name of its tensor."""
        if name.endswith(_QUERY_KEY_VALUE):
            said = self.family.query_key_value_bias
        else:
            said = self.family.output_bias if "attention." in name or "attn." in name else self.family.mlp_bias
        return bool(self.config.get(said, False)) if isinstance(said, str) else said

    @property
    def is_tied(self) -> bool:
        """Whether the head is the embedding."""
        return bool(self.config.get("tie_word_embeddings", False))


def read_architecture(config: dict[str, Any]) -> Architecture | None:
    """The architecture of a config.json; None for a family that the reference decoder does not compute."""
    name, prefix = config.get("model_type", ""), ""
    if name == "gemma3":
        config, name, prefix = config["text_config"], "gemma3_text", "language_model."
    if name == "mistral3":  # of the two objects, the outer one says whether the head is the embedding
        tied = {key: config[key] for key in ("tie_word_embeddings",) if config.get(key) is not None}
        config, prefix = config["text_config"] | tied, "language_model."
        name = config.get("model_type", "mistral")
    if name not in FAMILIES:
        return None
    family = FAMILIES[name]
    fields = family.defaults | {
        family.other_names.get(name, name): value
        for name, value in config.items()
        if value is not None or name in _MAY_BE_NULL
    }
    kinds = family.list_layer_kinds(fields)
    unrotated = family.find_unrotated(fields) if family.find_unrotated else []
    window = fields.get("sliding_window")
    return Architecture(
        name=name,
        family=family,
        config=fields,
        prefix=prefix,
        windows=tuple(window if kind == SLIDING else None for kind in kinds),
        ropes=tuple(
            None if layer in unrotated else _read_rope(name, family, fields, kind) for layer, kind in enumerate(kinds)
        ),
    )


def _read_rope(name: str, family: Family, fields: dict[str, Any], kind: str) -> dict[str, Any]:
    """The rotary embedding of a layer: its base, its scaling, and the share of a head that it turns."""
    older, newer = fields.get("rope_scaling") or {}, fields.get("rope_parameters") or {}
    theta = fields.get("rope_theta", fields.get("rotary_emb_base", 10_000.0))
    if family.ropes_by_kind:
        newer = newer.get(kind) or {}
        if kind == SLIDING:
            theta, older = fields.get(family.sliding_base, theta), {}
    share = fields.get("rotary_pct", fields.get("partial_rotary_factor", 1.0))
    if "rotary_dim" in fields:
        share = fields["rotary_dim"] / (fields["hidden_size"] / fields["num_attention_heads"])
    rope = {"rope_theta": theta, "partial_rotary_factor": share} | (newer | older or family.rope)
    rope["kind"] = rope.get("rope_type") or rope.get("type") or "default"
    if name == "phi3" and rope["kind"] != "default":
        rope["kind"] = "longrope"
    original = fields.get("original_max_position_embeddings") or rope.get("original_max_position_embeddings")
    return rope | {
        "original_max_position_embeddings": original or fields["max_position_embeddings"],
        "max_position_embeddings": fields["max_position_embeddings"],
        "interleaved": family.interleaved,
    }
