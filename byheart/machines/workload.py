"""What is asked of a model, on paper: how many parameters are touched, and how much arithmetic a window is."""

import dataclasses
from collections.abc import Mapping

from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameter, parameter_count

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of an element, by `precision`."""

HEAD_WINDOWS = 8
"""Windows whose logits a device holds at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """A decoder, and windows of one length.

    D embed, L layers, H heads, K kv heads, E head_dim, F ffn, V vocab; P positions that are fed, S that are scored.
    """

    decoder: DecoderConfig
    model: Mapping[str, Parameter]
    """The parameters of the whole model."""
    layer: Mapping[str, Parameter]
    """The parameters of each layer."""
    precision: str
    """`float32`, `bfloat16` or `float16`."""
    positions: int
    """P: tokens of a window that are fed, the BOS included, the last one not."""
    scored_tokens: int
    """S: positions on which the head runs."""

    @property
    def element_bytes(self) -> int:
        """Of a weight, and of a state between two layers."""
        return BYTES[self.precision]

    @property
    def parameters(self) -> int:
        """Elements of the whole model."""
        return parameter_count(self.model, self.layer, self.decoder.layers)

    @property
    def weight_bytes(self) -> int:
        """Of the whole model."""
        return self.parameters * self.element_bytes

    @property
    def layer_bytes(self) -> int:
        """Of one layer's parameters."""
        return sum(parameter.size for parameter in self.layer.values()) * self.element_bytes

    @property
    def head_bytes(self) -> int:
        """Of the head, which is the embedding's table where they are tied."""
        return self.decoder.vocab * self.decoder.embed * self.element_bytes

    @property
    def chosen_experts(self) -> float:
        """The share of a layer's experts that a token goes through; 1 where there are none."""
        experts = next((p.shape[p.axes.index("experts")] for p in self.layer.values() if "experts" in p.axes), 0)
        return getattr(self.decoder, "experts_per_token", experts) / experts if experts else 1.0

    @property
    def active_layer_parameters(self) -> float:
        """Elements of one layer's matrices that a token is multiplied with."""
        return sum(
            parameter.size * (self.chosen_experts if "experts" in parameter.axes and len(parameter.axes) > 2 else 1.0)
            for parameter in self.layer.values()
            if is_matrix(parameter)
        )

    @property
    def mlp_width(self) -> float:
        """Elements that the MLP of a layer makes of a token, before they are multiplied with one another."""
        made = 0.0
        for parameter in self.layer.values():
            axes = parameter.axes
            if is_matrix(parameter) and "ffn" in axes and axes.index("ffn") < axes.index("embed"):
                made += parameter.size / self.decoder.embed * (self.chosen_experts if "experts" in axes else 1.0)
        return made

    @property
    def flops_per_window(self) -> float:
        """Two for each multiplication and addition: matrices on P positions, attention P x P, the head on S.

        Causality spares nothing, since all P x P products are made; norms, RoPE and softmax are not counted.
        """
        decoder = self.decoder
        matrices = 2 * self.active_layer_parameters * self.positions
        attention = 4 * decoder.heads * decoder.head_dim * self.positions**2
        head = 2 * decoder.vocab * decoder.embed * self.scored_tokens
        return decoder.layers * (matrices + attention) + head


def is_matrix(parameter: Parameter) -> bool:
    """Whether states are multiplied with it: norms and biases are only added or scaled by."""
    return len(parameter.axes) > 1 and "embed" in parameter.axes
