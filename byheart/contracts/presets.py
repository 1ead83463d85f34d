"""Named sets of settings, which repeat a published measurement by one word."""

from collections.abc import Mapping
from typing import Any

from byheart.contracts.parameters import check_one_of, refuse
from byheart.contracts.spellings import WORDS

_PAPER = (
    *("chunk_size", "prompt_tokens", "suffix_characters", "max_length"),
    *("bos", "temperature", "top_k", "coverage"),
)
"""The settings that Cooper et al. 2025, arXiv 2505.12546, fix: 50 + 50 tokens, top-k 40. Their values are the
pipeline's defaults."""
_MARIN = {"bos": "true", "prompt_tokens": 49, "suffix_characters": 0, "max_length": 100, "coverage": "window"}
"""The settings of Marin's PyTorch/XLA script, where a BOS shifts the split by one and cuts the last token, and the map
paints prompts too."""


def apply_preset(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with the values of their `preset`.

    Args:
        defaults: a parameter that has its default here counts as not set by the user.

    Raises:
        SettingsError: there is no such preset, or the user set one of its parameters to another value.
    """
    name = parameters["preset"]
    check_one_of("preset", name, WORDS["preset"])
    fixed = {
        "none": {},
        "paper": {field: defaults.get(field, parameters[field]) for field in _PAPER},
        "marin": _MARIN,
    }[name]
    for field, value in fixed.items():
        if parameters[field] not in (value, defaults.get(field, value)):
            refuse(field, f"be {value} where preset={name}", parameters[field], "leave one of the two out")
    return {**parameters, **fixed}
