"""The memory that a device needs to score a batch, in bytes, from shapes alone.

Assumed: the states beside a layer are its input and the normed copy, and what its MLP makes of them (gate, up, and half
as much again for their product), or queries, keys, values and scores in float32, whichever is more; of a gathered layer
two are there, the one in use and the next; the head makes float32 logits of `HEAD_WINDOWS` windows at once, their keys
for the top k, and a byte for each that says whether it is kept.
"""

import dataclasses

from byheart.machines.mesh import Mesh
from byheart.machines.workload import HEAD_WINDOWS, IN_FLIGHT, Workload
from byheart.models.parameters import leaves

RESERVE = 0.03
"""The share of a device's memory that is left free: for the program, and what lies between the arrays."""

_LOGIT_BYTES = 4 + 4 + 1
_SCORE_BYTES = 5 * 4
"""Of a scored token: five numbers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes on one device, by use."""

    weights: float
    """Weights, between their uses."""
    gathered: float
    """Two whole layers, where weights are gathered."""
    states: float
    """States, while a layer is computed."""
    head: float
    """The head's table where it is gathered, the states that it reads, and the logits."""
    batches: float
    """Inputs and scores of the batches in flight."""

    @property
    def working(self) -> float:
        """The peak beside the weights at rest, in a layer or in the head."""
        return max(self.gathered + self.states, self.head) + self.batches

    @property
    def total(self) -> float:
        """The peak."""
        return self.weights + self.working


def memory_of(workload: Workload, mesh: Mesh, batch_size: int) -> Memory:
    """The memory of each device, with `batch_size` windows over all of them."""
    decoder, each = workload.decoder, workload.element_bytes
    at_rest = sum(map(mesh.share, leaves(workload.weights)))

    windows = -(-batch_size // mesh.window_shards)
    apart = 1 if mesh.gather else mesh.model  # devices that share a window's states
    tokens = windows * workload.positions
    heads = decoder.heads + decoder.kv_heads  # queries and attention's result; keys and values
    attention = 2 * tokens * heads * decoder.head_dim * each
    attention += windows * decoder.heads * workload.positions**2 * (4 + each)
    mlp = 1.5 * tokens * workload.mlp_width * each
    scored = windows * workload.scored_tokens
    logits = min(windows, HEAD_WINDOWS) * workload.scored_tokens * decoder.vocab * _LOGIT_BYTES
    return Memory(
        weights=at_rest * each,
        gathered=2 * workload.layer_bytes if mesh.gather else 0,
        states=2 * tokens * decoder.embed * each + max(attention, mlp) / apart,
        head=(workload.head_bytes if mesh.gather else 0) + scored * decoder.embed * each + logits / apart,
        batches=IN_FLIGHT * (windows * (workload.positions + 1) * 4 + scored * _SCORE_BYTES),
    )
