"""The names under which a checkpoint may hold a tensor: transformers reads them all as the same.

    the family's own                 others
    model.layers.0.mlp.up_proj...    layers.0...  language_model.model.layers.0...  model.language_model.layers.0...
    lm_head.weight                   language_model.lm_head.weight
    embed_out.weight (GPT-NeoX)      lm_head.weight

A base model is saved without the first word; a text model inside one that also sees has another, which has changed
between releases. Source: transformers' conversion_mapping.py and core_model_loading.py.
"""

import re
from collections.abc import Iterable, Mapping

from byheart.contracts.errors import ModelError
from byheart.models.parameters import Source

_PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.", "")
_HEADS = ("lm_head.weight", "language_model.lm_head.weight", "embed_out.weight")


def find_names(sources: Mapping[str, Source], names: Iterable[str], *, tied_head: bool) -> dict[str, str]:
    """The names that a checkpoint has for its tensors, by the family's names; others stand for themselves.

    If the head is the embedding, a checkpoint may hold it under either name.

    Args:
        sources: the tensor of each parameter in the family's checkpoints, by the parameter's name.
        names: those of the checkpoint.

    Raises:
        ModelError: two of them mean the same tensor.
    """
    tensors = {source if isinstance(source, str) else source.tensor for source in sources.values()}
    embed, head = str(sources["embed"]), str(sources["head"])
    base = "".join(f"{part}." for part in embed.split(".")[:-2])
    below = "|".join({re.escape(name.removeprefix(base).split(".")[0]) for name in tensors if name.startswith(base)})
    pattern = re.compile(rf"(?:{'|'.join(map(re.escape, (base, *_PREFIXES)))})((?:{below})\..+)") if base else None
    found: dict[str, str] = {}
    for name in names:
        match = pattern.fullmatch(name) if pattern else None
        own = base + match[1] if match else head if name in _HEADS and base else name
        if own in found:
            raise ModelError(
                f"the weights must hold {own} once, found it as {found[own]} and as {name}: remove the tensors of one "
                "of the two names"
            )
        found[own] = name
    if tied_head and embed not in found and head in found:
        found[embed] = found.pop(head)
    return found
