"""Named sets of settings, so that a published measurement can be repeated by one word."""

from typing import Any

from byheart.contracts.errors import SettingsError

NO_PRESET = "none"

PRESETS: dict[str, dict[str, Any]] = {
    NO_PRESET: {},
    # Cooper et al. 2025, arXiv 2505.12546: 50 + 50 tokens, top-k 40. These are the pipeline's defaults.
    "paper": {
        "chunk_size": 100,
        "prompt_tokens": 50,
        "max_length": 0,
        "bos": "auto",
        "temperature": 1.0,
        "top_k": 40,
        "coverage": "suffix",
    },
    # Marin's PyTorch/XLA script: a BOS shifts the split by one and cuts the last token, prompts are painted too.
    "marin": {"bos": "true", "prompt_tokens": 49, "max_length": 100, "coverage": "window"},
}


def with_preset(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, with those that their `preset` names set by it.

    Raises:
        SettingsError: there is no such preset, or a parameter is neither the preset's nor left at its default.
    """
    name = parameters["preset"]
    if name not in PRESETS:
        raise SettingsError(f"preset must be one of {', '.join(PRESETS)}; found {name!r}: choose one of them")
    for field, value in PRESETS[name].items():
        if parameters[field] not in (value, PRESETS["paper"][field]):
            raise SettingsError(
                f"preset={name} sets {field}={value}, found {field}={parameters[field]}: leave one of the two out"
            )
    return parameters | PRESETS[name]
