"""The memory that a device needs to score a batch, in bytes, estimated from shapes.

The estimate assumes:
- A layer's states are its input, the normed copy, and the larger of two: the MLP's gate and up, and half as much again
  for their product; or attention's queries, keys, values and scores in float32.
- On Ironwood all weights are in memory twice: the compiler lays them out anew, in tiles of 16 rows.
- Where weights are gathered, two whole layers are in memory: the current one and the next.
- Where weights are held as they were published, those of a layer and the head are in memory in the arithmetic's
  precision too, at once: a CPU's compiler converts the head before the layers.
- The head computes logits of `head_windows` windows at once: each in float32, with its key for the top k and a byte
  that says whether it is kept.
- Logits that the store keeps stay on the device until they are fetched, those of all windows of a batch.
"""

import dataclasses

from byheart.machines.mesh import Mesh
from byheart.machines.workload import IN_FLIGHT, Workload
from byheart.models.parameters import leaves

RESERVE = 0.03
"""The share of a device's memory that is left free, for the program and the gaps between arrays."""

_LOGIT_BYTES = 4 + 4 + 1
_SELECTED_BYTES = 4 + 1
"""Beside each logit where the N largest are kept: how many before it are among them, and whether it is."""
_SCORE_BYTES = 5 * 4
"""Bytes of a scored token: five numbers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes on one device, by use."""

    weights: float
    """Weights, between their uses."""
    copied: float
    """Weights once more, where the device's compiler lays them out anew."""
    gathered: float
    """Two whole layers, where weights are gathered."""
    converted: float
    """A layer and the head in the arithmetic's precision, where weights are held as they were published."""
    states: float
    """A layer's states."""
    head: float
    """The head's table where it is gathered, its input states, and the logits."""
    batches: float
    """Inputs, scores and kept logits of the batches in flight."""

    @property
    def working(self) -> float:
        """The peak of everything but the weights between their uses."""
        return max(self.gathered + self.states, self.head) + self.copied + self.converted + self.batches

    @property
    def total(self) -> float:
        """The peak."""
        return self.weights + self.working


def estimate_memory(workload: Workload, mesh: Mesh, batch_size: int) -> Memory:
    """The memory that each device needs for batches of `batch_size` windows over all devices."""
    decoder, element_bytes = workload.decoder, workload.element_bytes
    local_elements = sum(map(mesh.count_local_elements, leaves(workload.weights)))

    windows = -(-batch_size // mesh.window_shards)
    state_shards = 1 if mesh.gather else mesh.model  # devices that share a window's states
    tokens = windows * workload.positions
    heads = decoder.heads + decoder.kv_heads  # queries and attention's result; keys and values
    attention = 2 * tokens * heads * decoder.head_dim * element_bytes
    attention += windows * decoder.heads * workload.positions**2 * (4 + element_bytes)
    mlp = 1.5 * tokens * workload.mlp_width * element_bytes
    scored_tokens = windows * workload.scored_tokens
    kept, head_positions = workload.kept, workload.head_positions
    logit_bytes = _LOGIT_BYTES + (_SELECTED_BYTES if kept and kept.has_ids else 0)
    logits = min(windows, workload.head_windows) * head_positions * decoder.vocab * logit_bytes
    converted = workload.layer_elements + workload.head_elements if workload.is_converted else 0
    return Memory(
        weights=local_elements * workload.held_bytes,
        copied=local_elements * workload.held_bytes if workload.copies_weights else 0,
        gathered=2 * workload.layer_bytes if mesh.gather else 0,
        converted=converted * element_bytes / state_shards,
        states=2 * tokens * decoder.embed * element_bytes + max(attention, mlp) / state_shards,
        head=(workload.head_bytes if mesh.gather else 0)
        + windows * head_positions * decoder.embed * element_bytes
        + logits / state_shards,
        batches=IN_FLIGHT
        * (
            windows * (workload.positions + 1) * 4
            + scored_tokens * _SCORE_BYTES
            + (windows * kept.window_bytes if kept else 0)
        ),
    )
