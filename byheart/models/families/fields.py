"""Reading the fields of a config.json, with errors that name the field. Fields that no code reads are refused, unless
they change no score."""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from byheart.contracts.errors import ModelError, SettingsError
from byheart.contracts.foreign import quote
from byheart.models.families.effect import DISPUTED, has_effect

_MOST, _LEAST = 1e15, 1e-15
"""The bounds of numbers: beyond them float32 loses products of a few, and no model has such."""


@dataclasses.dataclass(frozen=True)
class _Ignored:
    """The value of a field that the user has said changes no score."""

    value: Any


def mark_ignored(values: Any, names: frozenset[str]) -> Any:
    """The content of a config.json with the values of these fields marked, at any depth."""
    if not isinstance(values, dict) or not names:
        return values
    return {name: _Ignored(value) if name in names else mark_ignored(value, names) for name, value in values.items()}


def list_ignored(values: Any) -> tuple[str, ...]:
    """The names of the fields that are marked, sorted."""
    below = [name for value in values.values() for name in list_ignored(value)] if isinstance(values, dict) else []
    marked = [name for name, value in values.items() if isinstance(value, _Ignored)] if isinstance(values, dict) else []
    return tuple(sorted({*below, *marked}))


def drop_ignored(values: Any) -> Any:
    """The content of a config.json without the fields that are marked."""
    if not isinstance(values, dict):
        return values
    return {name: drop_ignored(value) for name, value in values.items() if not isinstance(value, _Ignored)}


class Fields:
    """The fields of one config.json, or of an object in it."""

    def __init__(self, values: dict[str, Any], where: str = "config.json") -> None:
        self._values, self.where = values, where
        self._read: set[str] = set()

    def integer(self, name: str, default: int | None = None, *, least: int = 1, most: int = 2**31 - 1) -> int:
        """The field's integer."""
        value = self._get(name, int, default)
        if value < least:
            kind = "positive" if least else "non-negative"
            raise ModelError(f"{self.where} must have a {kind} {name}, found {quote(value)}: the file is broken")
        if value > most:
            raise ModelError(
                f"{self.where} must have a {name} of at most {most:,}, found {quote(value)}: choose another"
            )
        return int(value)

    def number(self, name: str, default: float | None = None) -> float:
        """The field's number, above 0."""
        value = self._get(name, (int, float), default)
        if not _is_positive(value):
            raise ModelError(f"{self.where} must have a positive {name}, found {quote(value)}: the file is broken")
        return float(value)

    def integer_or_none(self, name: str) -> int | None:
        """The field's integer, at least 1; None if it is missing or null."""
        return None if self.value(name) is None else self.integer(name)

    def number_or_none(self, name: str) -> float | None:
        """The field's number, above 0; None if it is missing or null."""
        return None if self.value(name) is None else self.number(name)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """The field's truth value."""
        return bool(self._get(name, bool, default))

    def word(self, name: str, words: Collection[str], default: str) -> str:
        """The field's word, one of `words`."""
        value = self.value(name, default)
        if not isinstance(value, str) or value not in words:
            raise ModelError(
                f"{self.where} must have a {name} of {', '.join(words)}; found {quote(value)}: it cannot be computed "
                "here"
            )
        return value

    def words(self, name: str, words: Collection[str]) -> tuple[str, ...] | None:
        """The field's list of words, each one of `words`; None if it is missing or null."""
        values = self.value(name)
        if values is None:
            return None
        listed = isinstance(values, list)
        other = [value for value in values if value not in words] if listed else [values]
        if other:
            raise ModelError(
                f"{self.where} must have a list of {' and '.join(words)} as {name}, found {quote(other[0])}: it cannot "
                "be computed here"
            )
        return tuple(values)

    def numbers(self, name: str) -> tuple[float, ...]:
        """The field's list of numbers above 0."""
        values = self.value(name)
        if not isinstance(values, list) or not all(_is_positive(value) for value in values):
            raise ModelError(
                f"{self.where} must have a list of numbers as {name!r}, found {quote(values)}: the file is broken"
            )
        return tuple(map(float, values))

    def object(self, name: str) -> dict[str, Any]:
        """The field's object; empty if it is missing or null."""
        value = self.value(name) or {}
        if not isinstance(value, dict):
            raise ModelError(f"{self.where} must have an object as {name}, found {quote(value)}: the file is broken")
        return value

    def value(self, name: str, default: Any = None) -> Any:
        """The field's value, of any type; `default` if it is missing or null."""
        self._read.add(name)
        value = self._values.get(name)
        if isinstance(value, _Ignored):
            raise SettingsError(
                f"ignore_fields must name fields of unknown meaning, found {name}, which {self.where} needs: leave it "
                "out",
                parameter="ignore_fields",
            )
        return default if value is None else value

    def is_missing(self, name: str) -> bool:
        """Whether there is no such field; one that is null is there."""
        return name not in self._values

    def require(self, name: str, value: str | float) -> None:
        """Refuse any other value of the field; a field that is missing or null passes."""
        actual = self.value(name)
        if actual is not None and actual != value:
            raise ModelError(
                f"{self.where} must have {name}={value!r}, found {quote(actual)}: it cannot be computed here"
            )

    def allow(self, name: str, is_without_effect: Callable[[Any], bool]) -> None:
        """Let a field through that no code reads, if its value has no effect."""
        if is_without_effect(self._values.get(name)):
            self._read.add(name)

    def refuse_unknown_fields(self, *without_effect: str) -> None:
        """Refuse fields that were not read and may change a score.

        Args:
            without_effect: the family's own fields that change no score.

        Raises:
            ModelError: such a field has a value that is not neutral.
        """
        for name in sorted(self._values.keys() - self._read - set(without_effect)):
            value = self._values[name]
            if isinstance(value, _Ignored) or not has_effect(name, value):
                continue
            found = f"{quote(name)[1:-1]}={quote(value)[:60]}"
            if name in DISPUTED:
                raise ModelError(
                    f"{self.where} must have no field that tools read differently, found {found}: {DISPUTED[name]}; "
                    f"to measure without it, run with ignore_fields={name}"
                )
            raise ModelError(
                f"{self.where} must have no field of unknown meaning, found {found}: choose another model, or, if it "
                f"changes no score, run with ignore_fields={name}"
            )

    def _get(self, name: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        value = self.value(name, default)
        if value is None:
            raise ModelError(f"{self.where} must have {name!r}, found none: the file is broken or of another kind")
        wrong_kind = not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)
        if wrong_kind:
            kind = "a whole number" if kinds is int else "true or false" if kinds is bool else "a number"
            raise ModelError(f"{self.where} must have {kind} as {name!r}, found {quote(value)}: the file is broken")
        return value


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _LEAST <= value <= _MOST
