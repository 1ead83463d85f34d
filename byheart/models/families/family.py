"""What a family of models is, as each file beside this one describes one."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameters, Source, parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """The models whose config.json has the same `model_type`."""

    model_type: str
    decoder_config: Callable[[dict[str, Any]], DecoderConfig]
    """Reads a config.json's content."""
    sources: Mapping[str, Source]
    """Where the checkpoint keeps each of the decoder's parameters."""
    needs_bos: bool = False
    """Whether `bos=auto` feeds a BOS: only where the model breaks without one."""

    def parameters(self, decoder: DecoderConfig) -> Parameters:
        """The tree of a model's parameters.

        Raises:
            ModelError: the family's checkpoints have no place for one of them.
        """
        return parameters(decoder, self.sources)
