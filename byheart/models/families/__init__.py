"""The model families that can be scored: one row each."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import (
    gemma2,
    gemma3,
    gpt_neox,
    llama,
    mistral,
    mixtral,
    olmo2,
    phi3,
    qwen2,
    qwen3,
)
from byheart.models.families.refused import REFUSED
from byheart.models.parameters import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """What a `model_type` means."""

    decoder_config: Callable[[dict[str, Any]], DecoderConfig]
    sources: Mapping[str, Source]
    """Where the checkpoint keeps each of the decoder's parameters."""
    needs_bos: bool = False
    """Whether `bos=auto` feeds a BOS: only where the model breaks without one."""


FAMILIES = {
    "llama": Family(decoder_config=llama.decoder_config, sources=llama.SOURCES),
    "mistral": Family(decoder_config=mistral.decoder_config, sources=mistral.SOURCES),
    "mixtral": Family(decoder_config=mixtral.decoder_config, sources=mixtral.SOURCES),
    "qwen2": Family(decoder_config=qwen2.decoder_config, sources=qwen2.SOURCES),
    "qwen3": Family(decoder_config=qwen3.decoder_config, sources=qwen3.SOURCES),
    "gpt_neox": Family(decoder_config=gpt_neox.decoder_config, sources=gpt_neox.SOURCES),
    "phi3": Family(decoder_config=phi3.decoder_config, sources=phi3.SOURCES),
    "gemma2": Family(decoder_config=gemma2.decoder_config, sources=gemma2.SOURCES, needs_bos=True),
    "gemma3_text": Family(decoder_config=gemma3.decoder_config, sources=gemma3.SOURCES, needs_bos=True),
    "gemma3": Family(decoder_config=gemma3.text_decoder_config, sources=gemma3.TEXT_SOURCES, needs_bos=True),
    "olmo2": Family(decoder_config=olmo2.decoder_config, sources=olmo2.SOURCES),
}


def family_of(config: dict[str, Any]) -> Family:
    """The family of a config.json's content.

    Raises:
        ModelError: the family is not known, or the weights are quantised.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        has = REFUSED.get(model_type) if isinstance(model_type, str) else None
        raise ModelError(
            f"config.json must have a model_type of {', '.join(FAMILIES)}; found {model_type!r}"
            f"{f', which has {has}' if has else ''}: choose such a model"
        )
    if config.get("quantization_config"):
        raise ModelError(
            "config.json must describe plain weights, found a quantization_config: use the original checkpoint"
        )
    return FAMILIES[model_type]
