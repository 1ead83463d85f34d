"""The model families that can be scored: one row each."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from components.contracts.errors import ModelError
from components.models.decoder_config import DecoderConfig
from components.models.families import llama


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """What a `model_type` means."""

    decoder_config: Callable[[dict[str, Any]], DecoderConfig]
    sources: Mapping[str, str]
    """The checkpoint's name for each of the decoder's parameters."""
    needs_bos: bool
    """Whether `bos=auto` feeds a BOS: only where the model breaks without one."""


FAMILIES = {
    "llama": Family(decoder_config=llama.decoder_config, sources=llama.SOURCES, needs_bos=False),
}


def family_of(config: dict[str, Any]) -> Family:
    """The family of a config.json's content.

    Raises:
        ModelError: the family is not known, or the weights are quantised.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        raise ModelError(
            f"config.json must have a model_type of {', '.join(FAMILIES)}; found {model_type!r}: choose such a model"
        )
    if config.get("quantization_config"):
        raise ModelError(
            "config.json must describe plain weights, found a quantization_config: use the original checkpoint"
        )
    return FAMILIES[model_type]
