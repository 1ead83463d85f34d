"""VaultGemma: Gemma 2 without norms after attention and MLP."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import gemma2
from byheart.models.families.family import Family


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: vaultgemma` config.json describes."""
    return gemma2.parse_decoder(config, post_norm=False)


SOURCES = {name: source for name, source in gemma2.SOURCES.items() if not name.endswith("post_norm")}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="vaultgemma", parse_config=parse_config, sources=SOURCES, needs_bos=True)
