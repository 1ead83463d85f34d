"""How long a batch and a run take, from shapes alone: a roofline, brought down to what the compiler's estimates reach.

A batch takes the longest of three: its arithmetic at `efficiency` of the peak, the weights' way from memory at
`_MEMORY_EFFICIENCY` of its speed, and, where weights are gathered, their way over the links. Gathers run beside the
arithmetic but for `_EXPOSED` of them; the sums of tensor parallel wait for it, and it for them. The choice of the top k
comes on top: it reads each window's logits as if 7 times. No batch takes less than `_HOST_SECONDS`.

    gather          layer bytes x (n - 1) / n over the ring, once a batch
    tensor parallel 2 sums a layer, each states x 2 (n - 1) / n over the ring, and `_SUM_SECONDS` to start

The constants are fitted, not derived. Five programs that `byheart.desk.ahead` has compiled (Llama 8B and 70B on
v5e, v5p and v6e, whole and gathered) set the generations' `efficiency`: the cycles that the compiler estimates, the
choice of the top k included, lie within 10%. `_SELECTION_EFFICIENCY` is its estimate for a pass over 400 rows of
128,256 logits on v5e and v6e. Those of tensor parallel are a prototype's. No chip has been timed. Generations without
such estimates take those of the most similar one.
"""

import dataclasses

from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import Layout
from byheart.machines.mesh import Mesh
from byheart.machines.workload import Workload

_MEMORY_EFFICIENCY = 0.8
_EXPOSED = 0.2
"""The share of the gathers that nothing hides. Those of the head and of each layer's first matrix are waited for; the
rest run one after the other, each beside what the compiler has put there. By its cycles 12% (70B on v6e) to 26% (8B on
v6e)."""
_SPLIT_EFFICIENCY = 0.6
"""By what factor split matrices, being small, fall short of whole ones."""
_SUM_SECONDS = 20e-6
_HOST_SECONDS = 2e-3
"""A guess: to hand a batch to the devices and to take its scores back."""
_SELECTION_PASSES = 7
"""Over float32 logits, by the compiler's estimate: the k-th largest is looked for in a few groups of them."""
_SELECTION_EFFICIENCY = 0.36
"""The share of the memory's speed at which those passes go."""

LOAD_BYTES_PER_SECOND = 1e9
"""A host's, from a bucket in the same region; a disk may be slower, at some seconds a GB."""
COMPILE_SECONDS = 60.0
"""For any number of layers, since they are scanned."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speed:
    """The seconds that a batch takes, and the rates that follow."""

    arithmetic: float
    memory: float
    links: float
    selection: float
    """Choosing the top k."""
    batch: float
    """The whole batch, with what overlaps counted once."""
    windows_per_second: float
    """Of the whole slice."""
    mfu: float
    """Model FLOPs utilisation: the arithmetic of the windows over the slice's peak in bfloat16."""

    @property
    def bound_by(self) -> str:
        """The name of what takes longest."""
        times = {"arithmetic": self.arithmetic, "memory": self.memory, "links": self.links}
        times |= {"the top k": self.selection, "the host": _HOST_SECONDS}
        return max(times, key=lambda name: times[name])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Duration:
    """A run's seconds, by use."""

    load: float
    compile: float
    score: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.load + self.compile + self.score

    def chip_hours(self, accelerator: Accelerator) -> float:
        """Chip-hours of the whole slice, which are what is paid for."""
        return self.total * accelerator.chips / 3600


def speed_of(workload: Workload, layout: Layout, accelerator: Accelerator, top_k: int) -> Speed:
    """The speed of a batch; with `top_k=0` no top k is chosen."""
    generation = accelerator.generation
    parts = generation.devices_per_chip
    peak = generation.peak_flops / parts
    passes = generation.float32_passes if workload.precision == "float32" else 1
    split = layout.model > 1 and not layout.gather

    flops = workload.flops_per_window * layout.batch_size / layout.devices
    arithmetic = flops * passes / (peak * generation.efficiency * (_SPLIT_EFFICIENCY if split else 1.0))
    # Each device reads all weights once a batch, gathered or not; of layers that are split only its own part.
    read = workload.weight_bytes / (layout.model if split else 1)
    memory = read * parts / (generation.hbm_bytes_per_second * _MEMORY_EFFICIENCY)
    links = link_seconds(workload, layout, layout.batch_size, generation.link_bytes_per_second / parts)
    selection = 0.0
    if 0 < top_k < workload.decoder.vocab:
        logits = layout.batch_size * workload.scored_tokens * workload.decoder.vocab / layout.devices
        passed = _SELECTION_PASSES * 4 * logits
        selection = passed * parts / (generation.hbm_bytes_per_second * _SELECTION_EFFICIENCY)
    exposed, beside = (links, 0.0) if split else (_EXPOSED * links, links)
    batch = max(max(arithmetic, memory, beside) + exposed + selection, _HOST_SECONDS)
    return Speed(
        arithmetic=arithmetic,
        memory=memory,
        links=links,
        selection=selection,
        batch=batch,
        windows_per_second=layout.batch_size / batch,
        mfu=flops / batch / peak,
    )


def link_seconds(workload: Workload, mesh: Mesh, batch_size: int, link_bytes_per_second: float) -> float:
    """Seconds that a batch's data is on the links between devices."""
    layers = workload.decoder.layers
    if mesh.gather:
        gathered = layers * workload.layer_bytes + workload.head_bytes
        return gathered * (mesh.devices - 1) / mesh.devices / link_bytes_per_second
    if mesh.model == 1:
        return 0.0
    windows = batch_size / mesh.window_shards
    states = windows * workload.positions * workload.decoder.embed * workload.element_bytes
    each = 2 * states * (mesh.model - 1) / mesh.model / link_bytes_per_second
    return 2 * layers * (each + _SUM_SECONDS)


def duration_of(workload: Workload, speed: Speed, windows: int) -> Duration:
    """The duration of a run of some windows on one host, once its pod has started; two bytes an element are loaded."""
    return Duration(
        load=2 * workload.parameters / LOAD_BYTES_PER_SECOND,
        compile=COMPILE_SECONDS,
        score=windows / speed.windows_per_second,
    )
