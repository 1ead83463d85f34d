"""The work of scoring a window, from shapes alone: parameters, bytes and floating point operations."""

import dataclasses

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families.family import Family
from byheart.models.parameters import LAYERS, Parameters, parameter_count

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of an element, by `precision`."""

HEAD_WINDOWS = 8
"""Windows whose logits an accelerator holds at once: enough to keep its units full."""
IN_FLIGHT = 2
"""Batches on the device at once, with their inputs and scores: one is computed while the other's scores are fetched."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """A decoder, and windows of one length.

    D embed, L layers, H heads, K kv heads, E head_dim, F ffn, V vocab; P positions that are fed, S that are scored.
    """

    decoder: DecoderConfig
    weights: Parameters
    """The tree of the decoder's parameters."""
    precision: str
    """`float32`, `bfloat16` or `float16`."""
    positions: int
    """P: tokens of a window that are fed, the BOS included, the last one not."""
    scored_tokens: int
    """S: positions on which the head runs."""

    @property
    def element_bytes(self) -> int:
        """Bytes of an element of weights and states."""
        return BYTES[self.precision]

    @property
    def parameters(self) -> int:
        """The number of elements of all parameters."""
        return parameter_count(self.weights)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all parameters."""
        return self.parameters * self.element_bytes

    @property
    def layer_bytes(self) -> int:
        """Bytes of one layer's parameters."""
        return parameter_count(self.weights[LAYERS]) // self.decoder.layers * self.element_bytes

    @property
    def head_bytes(self) -> int:
        """Bytes of the head, which is the embedding table where they are tied."""
        return self.decoder.vocab * self.decoder.embed * self.element_bytes

    @property
    def chosen_experts(self) -> float:
        """The share of a layer's experts that a token goes through; 1 where there are none."""
        return self.decoder.experts_per_token / self.decoder.experts if self.decoder.experts else 1.0

    @property
    def active_layer_parameters(self) -> float:
        """Elements of one layer's matrices that a token is multiplied with: of experts' only those of the chosen."""
        return (
            sum(
                parameter.size * (self.chosen_experts if "experts" in parameter.axes and name != "router" else 1.0)
                for name, parameter in self.weights[LAYERS].items()
                if parameter.is_matrix
            )
            / self.decoder.layers
        )

    @property
    def mlp_width(self) -> float:
        """Elements of a token's states inside the MLP: gate and up, of each expert that is chosen."""
        return self.decoder.ffn * (1 + self.decoder.gated) * (self.decoder.experts_per_token or 1)

    @property
    def flops_per_window(self) -> float:
        """Floating point operations: of matrices on P positions, of attention P x P, of the head on S.

        A multiplication and an addition are two. Causality saves nothing, since all P x P products are computed; norms,
        RoPE and softmax are not counted.
        """
        decoder = self.decoder
        matrices = 2 * self.active_layer_parameters * self.positions
        attention = 4 * decoder.heads * decoder.head_dim * self.positions**2
        head = 2 * decoder.vocab * decoder.embed * self.scored_tokens
        return decoder.layers * (matrices + attention) + head


def workload_of(
    family: Family, decoder: DecoderConfig, *, precision: str, positions: int, scored_tokens: int
) -> Workload:
    """The work of scoring windows with a model.

    Args:
        precision: `float32`, `bfloat16` or `float16`.
        positions: tokens of a window that are fed.
    """
    return Workload(
        decoder=decoder,
        weights=family.parameters(decoder),
        precision=precision,
        positions=positions,
        scored_tokens=scored_tokens,
    )
