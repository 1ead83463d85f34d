"""Which layers slide, and which rotate nothing, by what config.json says."""

from typing import Any

FULL, SLIDING = "full_attention", "sliding_attention"

Fields = dict[str, Any]
"""A config.json, with the family's defaults."""


def never_slide(fields: Fields) -> list[str]:
    """Every layer is full."""
    return [FULL] * fields["num_hidden_layers"]


def slide_if_there_is_a_window(fields: Fields) -> list[str]:
    """Every layer slides, or none."""
    return [SLIDING if fields.get("sliding_window") else FULL] * fields["num_hidden_layers"]


def slide_in_upper_layers(fields: Fields) -> list[str]:
    """Of Qwen those slide that `layer_types` names, otherwise all from `max_window_layers` on."""
    layers, first = range(fields["num_hidden_layers"]), fields.get("max_window_layers", 28)
    if not fields.get("use_sliding_window"):
        return [FULL for _ in layers]
    return list(fields.get("layer_types") or (SLIDING if layer >= first else FULL for layer in layers))


def slide_in_even_lower_layers(fields: Fields) -> list[str]:
    """Of Qwen with experts the even ones below `max_window_layers` slide."""
    layers, stop = range(fields["num_hidden_layers"]), fields["max_window_layers"]
    if not fields.get("use_sliding_window"):
        return [FULL for _ in layers]
    return list(fields.get("layer_types") or (FULL if layer % 2 or layer >= stop else SLIDING for layer in layers))


def slide_but_in_each_nth(fields: Fields) -> list[str]:
    """The period is the field `sliding_window_pattern`, which some families' files never have."""
    layers, every = range(1, fields["num_hidden_layers"] + 1), fields.get("sliding_window_pattern", 0)
    return list(fields.get("layer_types") or (SLIDING if layer % every else FULL for layer in layers))


def find_full(fields: Fields) -> list[int]:
    """The full layers, where others slide."""
    kinds = slide_but_in_each_nth(fields)
    return [layer for layer, kind in enumerate(kinds) if kind == FULL and fields.get("sliding_window")]


def slide_without_rotation(fields: Fields) -> list[str]:
    """Of SmolLM3 those layers slide, if any, that do not rotate."""
    layers, unrotated = range(fields["num_hidden_layers"]), find_no_rope_layers(fields)
    slides = fields.get("use_sliding_window") and fields.get("sliding_window")
    return list(fields.get("layer_types") or (SLIDING if slides and layer in unrotated else FULL for layer in layers))


def find_no_rope_layers(fields: Fields) -> list[int]:
    """The layers of SmolLM3 that rotate nothing."""
    layers, every = range(fields["num_hidden_layers"]), fields.get("no_rope_layer_interval", 4)
    rotates = fields.get("no_rope_layers") or [(layer + 1) % every for layer in layers]
    return [layer for layer in layers if not rotates[layer]]
