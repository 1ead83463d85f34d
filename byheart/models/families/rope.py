"""Reading rotary embeddings from the current and the older layouts of config.json."""

import math
from collections.abc import Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.families.fields import Fields
from byheart.models.rope import Rope

SCALINGS = {name: name for name in ("default", "linear", "dynamic", "llama3", "yarn")}
"""What each rope type means in most families."""
WITHOUT_EFFECT = ("finetuned", "rope_type", "type")


def read_rope(fields: Fields, max_positions: int, *, theta: float = 10_000.0) -> Rope:
    """The rotary embedding of a family that rotates whole heads.

    It is read from `rope_parameters`, or from the older `rope_theta` and `rope_scaling`.

    Args:
        max_positions: `max_position_embeddings`.
        theta: the family's default.
    """
    fields.require("partial_rotary_factor", 1.0)
    return parse_rope(
        choose_rope_object(fields),
        fields.where,
        theta=fields.number("rope_theta", default=theta),
        max_positions=max_positions,
        original_positions=fields.integer_or_none("original_max_position_embeddings"),
    )


def read_ropes_by_kind(fields: Fields, max_positions: int, thetas: Mapping[str, float]) -> dict[str, Rope]:
    """The rotary embedding of each kind of layer, of a family that rotates whole heads.

    `rope_parameters` has an object for each kind; the older `rope_scaling` is that of full layers.

    Args:
        thetas: the base of each kind where its object has none.
    """
    parameters = Fields(fields.object("rope_parameters"), "config.json, rope_parameters")
    objects = {kind: parameters.object(kind) for kind in thetas}
    parameters.refuse_unknown_fields()
    objects["full_attention"] = objects["full_attention"] | fields.object("rope_scaling")
    fields.require("partial_rotary_factor", 1.0)
    return {
        kind: parse_rope(objects[kind], f"config.json, {kind}", theta=theta, max_positions=max_positions)
        for kind, theta in thetas.items()
    }


def read_partial_rope(fields: Fields, max_positions: int) -> Rope:
    """The rotary embedding of a family whose field `partial_rotary_factor`, which has a default, says what it rotates.

    Args:
        max_positions: `max_position_embeddings`.
    """
    return parse_rope(
        choose_rope_object(fields),
        fields.where,
        theta=fields.number("rope_theta", default=10_000.0),
        max_positions=max_positions,
        original_positions=fields.integer_or_none("original_max_position_embeddings"),
        share=fields.number("partial_rotary_factor"),
    )


def choose_rope_object(fields: Fields) -> dict[str, Any]:
    """The object that describes the scaling: the older `rope_scaling` unless it is empty, else `rope_parameters`."""
    older, newer = fields.object("rope_scaling"), fields.object("rope_parameters")
    return older or newer


def parse_rope(
    values: dict[str, Any],
    where: str,
    *,
    theta: float,
    max_positions: int,
    original_positions: int | None = None,
    share: float | None = None,
    scalings: Mapping[str, str] = SCALINGS,
) -> Rope:
    """The rotary embedding that an object of a config.json describes.

    Args:
        values: the object; it may be empty.
        where: the object's name in error messages.
        theta: the base where the object has none.
        original_positions: overrides the object's own.
        share: the share where the object has none; None if the family rotates whole heads.
        scalings: the family's rope types, and what each means.
    """
    fields = Fields(values, f"{where}, rope")
    kind = "type" if values.get("rope_type") is None else "rope_type"
    scaling = scalings[fields.word(kind, scalings, default="default")]
    theta = fields.number("rope_theta", default=theta)
    if share is None:
        fields.require("partial_rotary_factor", 1.0)
    share = 1.0 if share is None else fields.number("partial_rotary_factor", default=share)
    original = fields.integer("original_max_position_embeddings", default=max_positions)
    original = original if original_positions is None else original_positions
    scaling_fields: dict[str, Any] = {"scaling": None if scaling == "default" else scaling}
    match scaling:
        case "linear":
            scaling_fields |= {"factor": fields.number("factor")}
        case "dynamic":  # scales only inputs longer than max_positions, which are never fed
            scaling_fields = {}
            fields.number("factor")
        case "llama3":
            low, high = fields.number("low_freq_factor"), fields.number("high_freq_factor")
            if low > high:
                raise ModelError(
                    f"{where} must have a low_freq_factor of at most high_freq_factor, found {low} and {high}: the "
                    "file is broken"
                )
            scaling_fields |= {"factor": fields.number("factor"), "original_positions": original}
            scaling_fields |= {"low_freq_factor": low, "high_freq_factor": high}
        case "yarn":
            scaling_fields |= _yarn(fields, max_positions, original)
        case "longrope":
            factor = fields.number("factor", default=max_positions / original)
            stretch = math.sqrt(1 + math.log(factor) / math.log(max(original, 2))) if factor > 1 else 1.0
            scaling_fields |= {
                "original_positions": original,
                "attention_factor": fields.number("attention_factor", default=stretch),
                "short_factors": fields.numbers("short_factor"),
                "long_factors": fields.numbers("long_factor"),
            }
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return Rope(theta=theta, share=share, **scaling_fields)


def _yarn(fields: Fields, max_positions: int, original: int) -> dict[str, Any]:
    factor = fields.number("factor", default=max_positions / original)
    scales = [fields.number(name) if fields.value(name) else 0.0 for name in ("mscale", "mscale_all_dim")]

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
