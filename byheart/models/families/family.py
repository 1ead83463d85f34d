"""The description of a family of models; the other files in this folder each describe one."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameters, Source, describe_parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """The models whose config.json has the same `model_type`."""

    model_type: str
    parse_config: Callable[[dict[str, Any]], DecoderConfig]
    """Makes the decoder's description from the content of a config.json."""
    sources: Mapping[str, Source]
    """The tensor of the checkpoint that holds each parameter, by the parameter's name."""
    other_sources: Mapping[str, Source] = dataclasses.field(default_factory=dict)
    """The tensors that some checkpoints of the family have in place of these."""
    needs_bos: bool = False
    """Whether the model breaks without a BOS, so that `bos=auto` feeds one."""

    def takes_bos(self, bos: str) -> bool:
        """Whether a BOS is fed before each window, by the setting `bos`: `auto`, `true` or `false`."""
        return bos == "true" or (bos == "auto" and self.needs_bos)

    def find_sources(self, names: Collection[str]) -> dict[str, Source]:
        """The tensor that holds each parameter in a checkpoint that has tensors of these names."""
        found = dict(self.sources)
        for parameter, source in self.other_sources.items():
            tensor = (source if isinstance(source, str) else source.tensor).partition("{layer}")
            if any(name.startswith(tensor[0]) and name.endswith(tensor[2]) for name in names):
                found[parameter] = source
        return found

    def describe_parameters(self, decoder: DecoderConfig) -> Parameters:
        """The tree of a model's parameters.

        Raises:
            ModelError: the family's checkpoints hold no tensor for a parameter.
        """
        return describe_parameters(decoder, self.sources)
