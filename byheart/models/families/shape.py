"""Reading the fields that most families share: sizes, and which layers slide."""

from collections.abc import Collection, Sequence
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.activations import ACTIVATIONS, LEARNED
from byheart.models.decoder_config import Attention
from byheart.models.families.fields import Fields
from byheart.models.rope import Rope

MOST_LAYERS = MOST_EXPERTS = 10_000
"""Ten times those of any model; a list is made with an entry for each layer."""
_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name not in LEARNED)
FULL, SLIDING = "full_attention", "sliding_attention"


def read_shape(
    fields: Fields,
    *,
    activation: str = "hidden_act",
    epsilon: str = "rms_norm_eps",
    activations: Collection[str] = _ACTIVATIONS,
) -> dict[str, Any]:
    """The sizes of a decoder, its activation and whether its head is tied, as arguments of DecoderConfig.

    Args:
        activation: the name of the activation's field.
        epsilon: the name of the norm epsilon's field.
        activations: those that can be computed; the family's checkpoints must have what they have learned.
    """
    embed, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    return {
        "vocab": fields.integer("vocab_size"),
        "embed": embed,
        "layers": fields.integer("num_hidden_layers", most=MOST_LAYERS),
        "heads": heads,
        "kv_heads": fields.integer("num_key_value_heads", default=heads),
        "head_dim": fields.integer("head_dim", default=max(embed // heads, 1)),
        "ffn": fields.integer("intermediate_size"),
        "max_positions": fields.integer("max_position_embeddings"),
        "norm_epsilon": fields.number(epsilon),
        "activation": fields.word(activation, activations, default="silu"),
        "tied_head": fields.boolean("tie_word_embeddings", default=False),
    }


def allow_alike_layers(fields: Fields, shape: dict[str, Any], window: int | None = None) -> None:
    """Let fields through that say of a family whose layers are alike what is so anyway.

    Args:
        window: the sliding window of all layers.
    """
    layers, positions = shape["layers"], shape["max_positions"]
    kinds = {SLIDING: window is not None, FULL: window is None or window >= positions}

    def say_what_is_so(types: Any) -> bool:
        return isinstance(types, list) and len(types) == layers and all(kinds.get(kind, False) for kind in types)

    fields.allow("layer_types", say_what_is_so)
    fields.allow("sliding_window", lambda width: type(width) is int and width >= positions)


def read_layer_types(fields: Fields, layers: int, *, every: int) -> tuple[str, ...]:
    """FULL or SLIDING for each layer: what `layer_types` says, otherwise every n-th is full and the others slide."""
    types = fields.words("layer_types", (FULL, SLIDING))
    return types or tuple(SLIDING if layer % every else FULL for layer in range(1, layers + 1))


def build_layer_attention(
    types: Sequence[str], rope: Rope | None, window: int | None, sliding_rope: Rope | None = None
) -> tuple[Attention, ...]:
    """The attention of each layer.

    Args:
        types: FULL or SLIDING for each layer.
        rope: the rotary embedding of full layers; None rotates nothing.
        window: the positions that a token in a sliding layer attends to.
        sliding_rope: the rotary embedding of sliding layers, where it differs from `rope`.

    Raises:
        ModelError: a layer slides, and there is no window.
    """
    if SLIDING in types and window is None:
        raise ModelError(
            "config.json must have a sliding_window for its sliding layers, found none: the file is broken"
        )
    by_type = {FULL: Attention(rope=rope), SLIDING: Attention(rope=sliding_rope or rope, window=window)}
    return tuple(by_type[layer_type] for layer_type in types)
