"""Llama 4, alone or inside the multimodal model: experts beside one that all tokens share, attention in chunks, and
layers that rotate nothing and attend to everything.
"""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote
from byheart.models.decoder_config import Attention, DecoderConfig, QueryGrowth
from byheart.models.experts import Experts
from byheart.models.families import llama
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.families.rope import read_rope
from byheart.models.families.shape import FULL, MOST_EXPERTS, read_shape
from byheart.models.parameters import Fused, Source

CHUNKED = "chunked_attention"
DEFAULTS = {
    "attention_chunk_size": 8192,
    "attn_scale": 0.1,
    "attn_temperature_tuning": True,
    "floor_scale": 8192,
    "head_dim": 128,
    "hidden_size": 5120,
    "interleave_moe_layer_step": 1,
    "intermediate_size": 8192,
    "intermediate_size_mlp": 16_384,
    "max_position_embeddings": 131_072,
    "no_rope_layer_interval": 4,
    "num_attention_heads": 40,
    "num_experts_per_tok": 1,
    "num_hidden_layers": 48,
    "num_key_value_heads": 8,
    "num_local_experts": 16,
    "rms_norm_eps": 1e-5,
    "use_qk_norm": True,
    "vocab_size": 202_048,
}
"""What transformers takes for a field that is missing."""
WITHOUT_EFFECT = ("for_llm_compressor", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: llama4_text` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = read_shape(fields)
    expert_ffn = shape["ffn"]
    shape["ffn"] = fields.integer("intermediate_size_mlp")
    biases = fields.boolean("attention_bias", default=False) * ("query", "key", "value", "output")
    attention = _read_attention(fields, shape)
    routed = _read_layers(fields, "moe_layers", shape["layers"])
    step = fields.integer("interleave_moe_layer_step")
    routed = tuple(range(step - 1, shape["layers"], step)) if routed is None else routed
    experts = Experts(
        count=fields.integer("num_local_experts", most=MOST_EXPERTS),
        per_token=fields.integer("num_experts_per_tok"),
        ffn=expert_ffn,
        layers=None if len(routed) == shape["layers"] else routed,
        score="sigmoid",
        normalized=False,
        scaled_input=True,
        shared_ffn=expert_ffn,
    )
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=attention,
        biases=frozenset(biases),
        rope_interleaved=True,
        experts=experts if routed else None,
    )


def parse_text_config(config: dict[str, Any]) -> DecoderConfig:
    """The text decoder inside the multimodal model that a `model_type: llama4` config.json describes."""
    return parse_config(Fields(config).object("text_config"))


def _read_attention(fields: Fields, shape: dict[str, Any]) -> tuple[Attention, ...]:
    """The attention of each layer: `no_rope_layers` has a 1 for each layer that rotates."""
    layers, every = shape["layers"], fields.integer("no_rope_layer_interval")
    rotates = fields.value("no_rope_layers") or [int((layer + 1) % every != 0) for layer in range(layers)]
    if not isinstance(rotates, list) or len(rotates) < layers or any(flag not in (0, 1) for flag in rotates):
        raise ModelError(
            f"{fields.where} must have a 0 or a 1 for each of {layers} layers as no_rope_layers, found "
            f"{quote(rotates)}: the file is broken"
        )
    types = fields.words("layer_types", (FULL, CHUNKED))
    types = types or tuple(CHUNKED if rotates[layer] else FULL for layer in range(layers))
    if len(types) != layers:
        raise ModelError(
            f"{fields.where} must give a layer type for each of {layers} layers, found {len(types)}: the file is broken"
        )
    rope, chunk = (
        read_rope(fields, shape["max_positions"], theta=500_000.0),
        fields.integer_or_none("attention_chunk_size"),
    )
    growth = QueryGrowth(beta=fields.number("attn_scale"), interval=fields.integer("floor_scale"), first=1)
    grows, normed = fields.boolean("attn_temperature_tuning"), fields.boolean("use_qk_norm")
    return tuple(
        Attention(
            rope=rope if rotated else None,
            chunk=chunk if kind == CHUNKED else None,
            unit_norm=normed and bool(rotated),
            query_growth=growth if grows and not rotated else None,
        )
        for kind, rotated in zip(types, rotates, strict=False)
    )


def _read_layers(fields: Fields, name: str, layers: int) -> tuple[int, ...] | None:
    """The layers that a field lists, in order; None if it is missing."""
    listed = fields.value(name)
    if listed is None:
        return None
    if not isinstance(listed, list) or any(type(layer) is not int or not 0 <= layer < layers for layer in listed):
        raise ModelError(
            f"{fields.where} must have a list of the {layers} layers as {name}, found {quote(listed)}: the file is "
            "broken"
        )
    return tuple(sorted(set(listed)))


_MLP = "model.layers.{layer}.feed_forward."


def _make_sources(before: str) -> dict[str, Source]:
    def name(source: str) -> str:
        return before + source

    gate_up = Fused(tensor=name(_MLP + "experts.gate_up_proj"), names=("expert_gate", "expert_up"), transposed=True)
    return {
        **{parameter: name(source.replace(".mlp.", ".feed_forward.")) for parameter, source in llama.SOURCES.items()},
        "router": name(_MLP + "router.weight"),
        **dict.fromkeys(gate_up.names, gate_up),
        "expert_down": Fused(tensor=name(_MLP + "experts.down_proj"), names=("expert_down",), transposed=True),
        **{f"shared_{each}": name(f"{_MLP}shared_expert.{each}_proj.weight") for each in ("gate", "up", "down")},
    }


SOURCES = _make_sources("")
"""The tensor of the checkpoint that holds each parameter."""

TEXT_ONLY = Family(model_type="llama4_text", parse_config=parse_config, sources=SOURCES)

MULTIMODAL = Family(model_type="llama4", parse_config=parse_text_config, sources=_make_sources("language_model."))
"""The text decoder inside the multimodal model."""
