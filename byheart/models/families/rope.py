"""Reading rotary embeddings, in the layout of today and in those of yesterday."""

import math
from collections.abc import Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.families.fields import Fields
from byheart.models.rope import Rope

SCALINGS = {name: name for name in ("default", "linear", "dynamic", "llama3", "yarn")}
"""What the rope types of most families mean."""
WITHOUT_EFFECT = ("finetuned", "rope_type", "type")


def read_rope(fields: Fields, max_positions: int, *, theta: float = 10_000.0) -> Rope:
    """The rotary embedding of a family that turns whole heads, from `rope_parameters` or from the older `rope_theta`
    and `rope_scaling`.

    Args:
        max_positions: the positions that config.json gives.
        theta: the family's, where config.json has none.
    """
    fields.must_be("partial_rotary_factor", 1.0)
    return rope_of(
        rope_object(fields),
        fields.place,
        theta=fields.number("rope_theta", default=theta),
        max_positions=max_positions,
        original_positions=fields.integer_or_none("original_max_position_embeddings"),
    )


def rope_object(fields: Fields) -> dict[str, Any]:
    """The object of the older layout, if it says something, else that of today's."""
    older, newer = fields.object("rope_scaling"), fields.object("rope_parameters")
    return older or newer


def rope_of(
    values: dict[str, Any],
    place: str,
    *,
    theta: float,
    max_positions: int,
    original_positions: int | None = None,
    share: float | None = None,
    scalings: Mapping[str, str] = SCALINGS,
) -> Rope:
    """The rotary embedding that an object of a config.json describes.

    Args:
        values: the object; may be empty.
        theta: where the object has none.
        original_positions: those that are named beside the object, which go before those in it.
        share: as `theta`; None if the family turns whole heads.
        scalings: the rope types of the family, and what each means.
    """
    fields = Fields(values, f"{place}, rope")
    kind = "type" if values.get("rope_type") is None else "rope_type"
    scaling = scalings[fields.word(kind, scalings, default="default")]
    theta = fields.number("rope_theta", default=theta)
    if share is None:
        fields.must_be("partial_rotary_factor", 1.0)
    share = 1.0 if share is None else fields.number("partial_rotary_factor", default=share)
    original = fields.integer("original_max_position_embeddings", default=max_positions)
    original = original if original_positions is None else original_positions
    of_scaling: dict[str, Any] = {"scaling": None if scaling == "default" else scaling}
    match scaling:
        case "linear":
            of_scaling |= {"factor": fields.number("factor")}
        case "dynamic":  # scales inputs longer than max_positions only, and none that long is ever fed
            of_scaling = {}
            fields.number("factor")
        case "llama3":
            low, high = fields.number("low_freq_factor"), fields.number("high_freq_factor")
            if not low < high:
                raise ModelError(
                    f"{place} must have a low_freq_factor below high_freq_factor, found {low} and {high}: the file is "
                    "broken"
                )
            of_scaling |= {"factor": fields.number("factor"), "original_positions": original}
            of_scaling |= {"low_freq_factor": low, "high_freq_factor": high}
        case "yarn":
            of_scaling |= _yarn(fields, max_positions, original)
        case "longrope":
            factor = fields.number("factor", default=max_positions / original)
            stretch = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
            of_scaling |= {
                "original_positions": original,
                "attention_factor": fields.number("attention_factor", default=stretch),
                "short_factors": fields.numbers("short_factor"),
                "long_factors": fields.numbers("long_factor"),
            }
    fields.refuse_what_is_unknown(*WITHOUT_EFFECT)
    return Rope(theta=theta, share=share, **of_scaling)


def _yarn(fields: Fields, max_positions: int, original: int) -> dict[str, Any]:
    factor = fields.number("factor", default=max_positions / original)
    scales = [float(fields.value(name) or 0.0) for name in ("mscale", "mscale_all_dim")]

    def stretch(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0

    attention_factor = stretch(scales[0]) / stretch(scales[1]) if all(scales) else stretch(1.0)
    return {
        "factor": factor,
        "original_positions": original,
        "attention_factor": fields.number("attention_factor", default=attention_factor),
        "beta_fast": fields.number("beta_fast", default=32.0),
        "beta_slow": fields.number("beta_slow", default=1.0),
        "truncate": fields.boolean("truncate", default=True),
    }
