"""Mistral Small 3.1 and later and Ministral 3 as they are published: a Mistral inside a model that also sees."""

from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import ministral3, mistral
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields

_TEXT = {family.model_type: family for family in (mistral.FAMILY, ministral3.FAMILY)}
_TIED = "tie_word_embeddings"


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The text decoder inside the multimodal model that a `model_type: mistral3` config.json describes.

    Whether the head is the embedding says the outer object, as in transformers; where it does not, the inner one.
    """
    fields = Fields(config)
    text = fields.object("text_config")
    family = _TEXT[Fields(text, "config.json, text_config").word("model_type", _TEXT, default="mistral")]
    tied = fields.value(_TIED)
    return family.parse_config(text if tied is None else text | {_TIED: tied})


FAMILY = Family(
    model_type="mistral3",
    parse_config=parse_config,
    sources={name: f"language_model.{source}" for name, source in mistral.FAMILY.sources.items()},
)
