"""Reading the fields of a config.json, with errors that name the field. Fields that no code reads are refused, unless
they change no score."""

import sys
from collections.abc import Collection
from typing import Any

from byheart.contracts.errors import ModelError

_NOTHING: tuple[Any, ...] = (None, False, 0, 0.0, "", [], {})
"""Neutral values, which an unknown field may have; 1.0 is one too."""

_ANY_FAMILY = """
    _attn_implementation _attn_implementation_autoset _name_or_path architectures attn_implementation auto_map
    bad_words_ids begin_suppress_tokens cache_implementation do_sample dtype early_stopping finetuning_task
    gradient_checkpointing id2label initializer_range is_decoder keys_to_ignore_at_inference label2id language
    length_penalty max_length min_length model_type num_beam_groups num_beams num_return_sequences output_attentions
    output_hidden_states prefix pretraining_tp problem_type repetition_penalty return_dict suppress_tokens
    task_specific_params temperature tokenizer_class top_k top_p torch_dtype transformers.js_config
    transformers_version typical_p unsloth_fixed unsloth_version use_cache
"""
WITHOUT_EFFECT = frozenset(_ANY_FAMILY.split())
"""Fields of any family that change no score: names and versions, training, generation.

`pretraining_tp` splits products of matrices, which changes only their rounding.
"""
_WITHOUT_EFFECT_ENDINGS = ("_token_id", "_dropout", "_dropout_prob", "_pdrop")


class Fields:
    """The fields of one config.json, or of an object in it."""

    def __init__(self, values: dict[str, Any], where: str = "config.json") -> None:
        self._values, self.where = values, where
        self._read: set[str] = set()

    def integer(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """The field's integer."""
        value = self._get(name, int, default)
        if value < least:
            kind = "positive" if least else "non-negative"
            raise ModelError(f"{self.where} must have a {kind} {name}, found {value}: the file is broken")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """The field's number, above 0."""
        value = self._get(name, (int, float), default)
        if not _is_positive(value):
            raise ModelError(f"{self.where} must have a positive {name}, found {value}: the file is broken")
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
                f"{self.where} must have a {name} of {', '.join(words)}; found {value!r}: it cannot be computed here"
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
                f"{self.where} must have a list of {' and '.join(words)} as {name}, found {other[0]!r}: it cannot be "
                "computed here"
            )
        return tuple(values)

    def numbers(self, name: str) -> tuple[float, ...]:
        """The field's list of numbers above 0."""
        values = self.value(name)
        if not isinstance(values, list) or not all(_is_positive(value) for value in values):
            raise ModelError(
                f"{self.where} must have a list of numbers as {name!r}, found {values!r}: the file is broken"
            )
        return tuple(map(float, values))

    def object(self, name: str) -> dict[str, Any]:
        """The field's object; empty if it is missing or null."""
        value = self.value(name) or {}
        if not isinstance(value, dict):
            raise ModelError(f"{self.where} must have an object as {name}, found {value!r}: the file is broken")
        return value

    def value(self, name: str, default: Any = None) -> Any:
        """The field's value, of any type; `default` if it is missing or null."""
        self._read.add(name)
        value = self._values.get(name)
        return default if value is None else value

    def require(self, name: str, value: str | float) -> None:
        """Refuse any other value of the field; a field that is missing or null passes."""
        actual = self.value(name)
        if actual is not None and actual != value:
            raise ModelError(f"{self.where} must have {name}={value!r}, found {actual!r}: it cannot be computed here")

    def refuse_unknown_fields(self, *without_effect: str) -> None:
        """Refuse fields that were not read and may change a score.

        Args:
            without_effect: the family's own fields that change no score.

        Raises:
            ModelError: such a field has a value that is not neutral.
        """
        for name in sorted(self._values.keys() - self._read - WITHOUT_EFFECT - set(without_effect)):
            value = self._values[name]
            neutral = value in _NOTHING or (isinstance(value, float) and value == 1.0)
            if not neutral and not name.endswith(_WITHOUT_EFFECT_ENDINGS):
                raise ModelError(
                    f"{self.where} must have no field of unknown meaning, found {name}={str(value)[:60]}: it cannot be "
                    "computed here"
                )

    def _get(self, name: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        value = self.value(name, default)
        if value is None:
            raise ModelError(f"{self.where} must have {name!r}, found none: the file is broken or of another kind")
        wrong_kind = not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)
        if wrong_kind:
            kind = "a whole number" if kinds is int else "true or false" if kinds is bool else "a number"
            raise ModelError(f"{self.where} must have {kind} as {name!r}, found {value!r}: the file is broken")
        return value


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
