"""Reading the fields of a config.json, with errors that name the field."""

import sys
from typing import Any

from components.contracts.errors import ModelError
from components.models.decoder_config import Rope

_ROPE_SCALINGS = ("default", "linear", "llama3")


class Fields:
    """The fields of one config.json, or of an object in it."""

    def __init__(self, values: dict[str, Any], place: str = "config.json") -> None:
        self._values, self._place = values, place

    def integer(self, name: str, default: int | None = None) -> int:
        """The field's integer, at least 1."""
        value = self._get(name, int, default)
        if value < 1:
            raise ModelError(f"{self._place} must have a positive {name}, found {value}: the file is broken")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """The field's number, above 0."""
        value = self._get(name, (int, float), default)
        if not 0 < value <= sys.float_info.max:
            raise ModelError(f"{self._place} must have a positive {name}, found {value}: the file is broken")
        return float(value)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """The field's truth value."""
        return bool(self._get(name, bool, default))

    def must_be(self, name: str, value: str | float) -> None:
        """Refuse any other value of the field; one that is missing or null has this value."""
        found = self._values.get(name)
        if found is not None and found != value:
            raise ModelError(f"{self._place} must have {name}={value!r}, found {found!r}: it cannot be computed here")

    def rope(self) -> Rope:
        """The rotary embedding, from `rope_parameters` or from the older `rope_theta` and `rope_scaling`."""
        values = self._values.get("rope_scaling") or self._values.get("rope_parameters") or {}
        if not isinstance(values, dict):
            raise ModelError(
                f"{self._place} must have an object as rope_parameters or rope_scaling, found {values!r}: the file is "
                "broken"
            )
        if "rope_theta" in self._values:
            values = {"rope_theta": self._values["rope_theta"], **values}
        kind = values.get("rope_type", values.get("type", "default"))
        if kind not in _ROPE_SCALINGS:
            raise ModelError(
                f"{self._place} must have a rope type of {', '.join(_ROPE_SCALINGS)}; found {kind!r}: it cannot be "
                "computed here"
            )
        fields = Fields(values, f"{self._place}, rope")
        for place in (self, fields):
            place.must_be("partial_rotary_factor", 1.0)
        theta = fields.number("rope_theta", default=10_000.0)
        if kind == "default":
            return Rope(theta=theta)
        factor = fields.number("factor")
        if kind == "linear":
            return Rope(theta=theta, scaling="linear", factor=factor)
        low, high = fields.number("low_freq_factor"), fields.number("high_freq_factor")
        if not low < high:
            raise ModelError(
                f"{self._place} must have a low_freq_factor below high_freq_factor, found {low} and {high}: the "
                "file is broken"
            )
        return Rope(
            theta=theta,
            scaling="llama3",
            factor=factor,
            low_freq_factor=low,
            high_freq_factor=high,
            original_positions=fields.integer("original_max_position_embeddings"),
        )

    def _get(self, name: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        value = self._values.get(name)
        value = default if value is None else value
        if value is None:
            raise ModelError(f"{self._place} must have {name!r}, found none: the file is broken or of another kind")
        wrong_kind = not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)
        if wrong_kind:
            kind = "a whole number" if kinds is int else "true or false" if kinds is bool else "a number"
            raise ModelError(f"{self._place} must have {kind} as {name!r}, found {value!r}: the file is broken")
        return value
