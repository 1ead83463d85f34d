"""The config.json that a GGUF file's fields amount to.

A field or a tensor of unknown meaning is refused, as in any config.json: it may change the scores. Source: gguf-py's
constants.py and llama.cpp's conversions.
"""

from typing import Any

from byheart.components.download.gguf.architectures import ARCHITECTURES
from byheart.components.download.gguf.architectures.architecture import Architecture
from byheart.components.download.gguf.header import GgufFile
from byheart.components.download.gguf.metadata import Metadata
from byheart.models.families import FAMILIES

_WITHOUT_EFFECT = ("rope.scaling.finetuned", "vocab_size")
"""The size of the vocabulary is read off a tensor."""


def describe_config(gguf: GgufFile) -> dict[str, Any]:
    """The content of config.json.

    Raises:
        ModelError: the model is of another architecture, or a field is missing or of unknown meaning.
    """
    architecture = find_architecture(gguf)
    metadata = Metadata(gguf, architecture.name)
    config = architecture.describe(metadata)
    metadata.refuse_unknown_fields(*_WITHOUT_EFFECT, *architecture.without_effect)
    return config


def find_architecture(gguf: GgufFile) -> Architecture:
    """The row of the file's architecture.

    Raises:
        ModelError: there is none, or the file is no whole model.
    """
    kind, name = gguf.fields.get("general.type", "model"), gguf.fields.get("general.architecture")
    if kind != "model":
        gguf.refuse("hold a model", f"general.type={str(kind)[:60]!r}", "name the model's own file")
    if gguf.fields.get("split.count", 0) not in (0, 1):
        gguf.refuse("hold the whole model", "one of several parts", "merge them (llama-gguf-split --merge)")
    if not isinstance(name, str) or name not in ARCHITECTURES:
        families = str(name).replace("-", "_")
        gguf.refuse(
            f"hold a model of one of {', '.join(ARCHITECTURES)}",
            f"general.architecture={str(name)[:60]!r}",
            "name the model's safetensors" if families in FAMILIES else "choose another model",
        )
    return ARCHITECTURES[name]
