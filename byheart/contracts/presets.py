"""Named sets of settings, so that a published measurement can be repeated by one word."""

from collections.abc import Mapping
from typing import Any

from byheart.contracts.parameters import check_one_of, refuse
from byheart.contracts.spellings import WORDS

_OF_THE_PAPER = ("chunk_size", "prompt_tokens", "max_length", "bos", "temperature", "top_k", "coverage")
"""Settings that Cooper et al. 2025, arXiv 2505.12546, fix: 50 + 50 tokens, top-k 40. The pipeline's defaults are
theirs."""
_OF_MARIN = {"bos": "true", "prompt_tokens": 49, "max_length": 100, "coverage": "window"}
"""Settings of Marin's PyTorch/XLA script: a BOS shifts the split by one and cuts the last token, and prompts are
painted too."""


def with_preset(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with those that their `preset` names set by it.

    Args:
        defaults: what a parameter is taken to be left out at.

    Raises:
        SettingsError: there is no such preset, or a parameter is neither the preset's nor left at its default.
    """
    name = parameters["preset"]
    check_one_of("preset", name, WORDS["preset"])
    fixed = {
        "none": {},
        "paper": {field: defaults.get(field, parameters[field]) for field in _OF_THE_PAPER},
        "marin": _OF_MARIN,
    }[name]
    for field, value in fixed.items():
        if parameters[field] not in (value, defaults.get(field, value)):
            refuse(field, f"be {value} where preset={name}", parameters[field], "leave one of the two out")
    return {**parameters, **fixed}
