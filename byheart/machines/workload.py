"""The work of scoring a window, from shapes: parameters, bytes and floating point operations."""

import dataclasses

from byheart.contracts.logits import KeptLogits
from byheart.models.axes import LAYERS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families.family import Family
from byheart.models.parameters import Parameters, count_parameters, leaves

FLOAT32 = "float32"
BYTES = {FLOAT32: 4, "bfloat16": 2, "float16": 2}
"""Bytes of an element at each `precision`."""

HEAD_WINDOWS = 8
"""Windows whose logits an accelerator holds at once: enough to keep its arithmetic units busy."""
IN_FLIGHT = 2
"""Batches on the device at once: while it computes one, the host fetches the other's scores."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """A decoder, and windows of one length.

    P: positions that are fed; S: positions that are scored; R: positions on which the head runs.
    """

    decoder: DecoderConfig
    weights: Parameters
    """The tree of the decoder's parameters."""
    precision: str
    """`float32`, `bfloat16` or `float16`."""
    positions: int
    """P: tokens that are fed for a window: the BOS if there is one, and all of the window's but the last."""
    scored_tokens: int
    """S."""
    is_padded: bool = False
    """Whether windows may have fewer tokens than these."""
    kept: KeptLogits | None = None
    """The logits that are fetched beside the scores; None if none are."""
    head_windows: int = HEAD_WINDOWS
    """Windows whose logits a device holds at once."""
    copies_weights: bool = False
    """Whether the device's compiler lays out all weights anew for each batch."""
    published_bytes: int | None = None
    """Bytes of all parameters as they were published, if they are held so, and converted when they are used; None where
    they are converted while they are loaded."""

    @property
    def head_positions(self) -> int:
        """R: the scored tokens, or all positions whose logits are kept."""
        return max(self.scored_tokens, self.kept.positions if self.kept else 0)

    @property
    def element_bytes(self) -> int:
        """Bytes of an element of the arithmetic: of states, and of weights when they are used."""
        return BYTES[self.precision]

    @property
    def is_converted(self) -> bool:
        """Whether weights are held as they were published, and converted when they are used."""
        return self.published_bytes is not None

    @property
    def held_bytes(self) -> float:
        """Bytes of an element of weights between their uses."""
        return self.element_bytes if self.published_bytes is None else self.published_bytes / self.parameters

    @property
    def parameters(self) -> int:
        """The number of elements of all parameters."""
        return count_parameters(self.weights)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all parameters, between their uses."""
        return self.parameters * self.element_bytes if self.published_bytes is None else self.published_bytes

    @property
    def layer_elements(self) -> int:
        """Elements of the largest layer's parameters."""
        elements = [0] * self.decoder.layers
        for parameter in leaves(self.weights[LAYERS]):
            for layer in parameter.layers:
                elements[layer] += parameter.size // len(parameter.layers)
        return max(elements)

    @property
    def layer_bytes(self) -> float:
        """Bytes of the largest layer's parameters, between their uses."""
        return self.layer_elements * self.held_bytes

    @property
    def all_layers_bytes(self) -> float:
        """Bytes of all layers' parameters, between their uses."""
        return count_parameters(self.weights[LAYERS]) * self.held_bytes

    @property
    def head_elements(self) -> int:
        """Elements of the head, which is the embedding table where the two are tied."""
        return self.decoder.vocab * self.decoder.embed

    @property
    def head_bytes(self) -> float:
        """Bytes of the head, between its uses."""
        return self.head_elements * self.held_bytes

    @property
    def chosen_experts(self) -> float:
        """The share of a layer's experts that a token is routed to; 1 for a model without experts."""
        experts = self.decoder.experts
        return experts.per_token / experts.count if experts else 1.0

    @property
    def active_parameters(self) -> float:
        """Elements of all layers' matrices that a token is multiplied with: among experts, only the chosen ones."""
        return sum(
            parameter.size * (self.chosen_experts if name.startswith("expert_") else 1.0)
            for name, parameter in self.weights[LAYERS].items()
            if parameter.is_matrix
        )

    @property
    def mlp_width(self) -> float:
        """Elements of a token's states inside the widest MLP: gate and up, for each chosen expert."""
        decoder, experts = self.decoder, self.decoder.experts
        routed = experts.ffn * experts.per_token + experts.shared_ffn if experts else 0
        dense = decoder.ffn if len(decoder.list_expert_layers()) < decoder.layers else 0
        return max(routed, dense) * (1 + decoder.gated)

    @property
    def flops_per_window(self) -> float:
        """Floating point operations: of matrices on P positions, of attention on P x P, of the head on R.

        A multiplication and an addition count as two. Causality saves nothing, since all P x P products are computed.
        Norms, RoPE and softmax are not counted.
        """
        decoder = self.decoder
        matrices = 2 * self.active_parameters * self.positions
        attention = 2 * decoder.heads * (decoder.head_dim + decoder.value_dim) * self.positions**2
        head = 2 * decoder.vocab * decoder.embed * self.head_positions
        return matrices + decoder.layers * attention + head


def describe_workload(
    family: Family,
    decoder: DecoderConfig,
    *,
    precision: str,
    positions: int,
    scored_tokens: int,
    is_padded: bool = False,
    kept: KeptLogits | None = None,
    head_windows: int = HEAD_WINDOWS,
    copies_weights: bool = False,
    published_bytes: int | None = None,
) -> Workload:
    """The work of scoring windows with a model.

    Args:
        precision: `float32`, `bfloat16` or `float16`.
        positions: tokens of a window that are fed.
        is_padded: whether a window may have fewer tokens.
        kept: the logits that are kept of each window.
        head_windows: windows whose logits a device holds at once.
        copies_weights: whether the device's compiler lays out all weights anew for each batch.
        published_bytes: of all parameters, where they are held as they were published.
    """
    return Workload(
        decoder=decoder,
        weights=family.describe_parameters(decoder),
        precision=precision,
        positions=positions,
        scored_tokens=scored_tokens,
        is_padded=is_padded,
        kept=kept,
        head_windows=head_windows,
        copies_weights=copies_weights,
        published_bytes=published_bytes,
    )
