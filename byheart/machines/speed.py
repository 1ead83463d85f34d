"""How long a batch and a run take, estimated from shapes: a roofline, scaled to the compiler's own estimates.

A batch takes the longest of three times: its arithmetic at `efficiency` of the peak, reading the weights at
`_MEMORY_EFFICIENCY` of the memory's speed, and, where weights are gathered, moving them over the links. A share
`_EXPOSED` of the gathers does not overlap with the arithmetic; the sums of tensor parallel never overlap with it. The
choice of the top k is added: it costs as much as reading each window's logits 7 times, or the time of its kernel, and
on a CPU nothing beside the arithmetic. No batch takes less than `_HOST_SECONDS`.

    gather          layer bytes x (n - 1) / n over the ring, once a batch
    tensor parallel 2 sums a layer, each states x 2 (n - 1) / n over the ring, and `_SUM_SECONDS` to start

The constants are fitted, not derived. Four programs that `byheart.desk.ahead` compiled (Llama 8B and 70B on v5e, v5p
and v6e, whole and gathered) set the generations' `efficiency`: this model is within 10% of the cycles that the compiler
estimates, the choice of the top k included, and the kernels, of which its static profile tells, for v6e.
`_SELECTION_EFFICIENCY` comes from its estimate for a pass over 400 rows of 128,256 logits on v5e and v6e. The constants
of tensor parallel come from a prototype. No chip has been timed. A generation without such estimates copies those of
the most similar one.
"""

import dataclasses

from byheart.machines.accelerators import Accelerator
from byheart.machines.cores import find_cores
from byheart.machines.kernels import has_attention_kernel, has_statistics_kernel
from byheart.machines.layout import Layout
from byheart.machines.mesh import Mesh
from byheart.machines.workload import FLOAT32, Workload

_MEMORY_EFFICIENCY = 0.8
_EXPOSED = 0.2
"""The share of the gathers' time during which nothing else runs. The gathers of the head and of each layer's first
matrix are waited for; the compiler overlaps the others with arithmetic. Its cycles give 12% (70B on v6e) to 26% (8B on
v6e)."""
_SPLIT_EFFICIENCY = 0.5
"""The efficiency where matrices are split over that where they are whole: smaller matrices use the units less well."""
_PLAIN_EFFICIENCY = 0.73
"""The efficiency of TPUs without the attention kernel over that with it, by the compiler's estimates for v6e; where
matrices are split, there is none."""
_HELD_PASSES = 3
"""Passes in bfloat16 for a product in float32 whose weights are held in 16 bits: a weight has one part and not three.
The compiler's cycles for Llama 3.1 8B on v6e, without the kernels', are 3.2 times those of bfloat16."""
_SUM_SECONDS = 20e-6
_HOST_SECONDS = 2e-3
"""The time to hand a batch to the devices and to take its scores back: a guess."""
_SELECTION_PASSES = 7
"""Passes over the float32 logits that choosing the top k costs, by the compiler's estimate."""
_KERNEL_PASSES = 0.8
"""What all statistics of the logits cost in their kernel, as such passes."""
_SELECTION_EFFICIENCY = 0.36
"""The share of the memory's speed that those passes reach."""

LOAD_BYTES_PER_SECOND = 1e9
"""The speed at which a host loads from a bucket in its region; a disk may be slower, at some seconds a GB."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speed:
    """The seconds that a batch takes, and the rates that follow."""

    arithmetic: float
    memory: float
    links: float
    selection: float
    """Choosing the top k."""
    batch: float
    """The whole batch; times that overlap count once."""
    windows_per_second: float
    """The rate of the whole slice."""
    mfu: float
    """Model FLOPs utilisation: the windows' operations a second over the slice's peak in bfloat16."""

    @property
    def bound_by(self) -> str:
        """The name of the longest of the times."""
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
        """The seconds from the pod's start: weights are loaded while the program is compiled."""
        return max(self.load, self.compile) + self.score

    def chip_hours(self, accelerator: Accelerator) -> float:
        """Chip-hours of the whole slice, as they are billed."""
        return self.total * accelerator.chips / 3600


def estimate_speed(workload: Workload, layout: Layout, accelerator: Accelerator, top_k: int) -> Speed:
    """The speed at which a slice scores batches; `top_k=0` leaves out the choice of the top k."""
    generation = accelerator.generation
    devices_per_chip = generation.devices_per_chip
    is_cpu = accelerator.flavour == "cpu"
    cores = find_cores()
    peak = cores.count * cores.flops if is_cpu else generation.peak_flops / devices_per_chip
    passes = generation.float32_passes if workload.precision == FLOAT32 else 1
    if accelerator.is_tpu and workload.is_converted and workload.held_bytes < 3:
        passes = _HELD_PASSES
    split = layout.model > 1 and not layout.gather

    flops = workload.flops_per_window * layout.batch_size / layout.devices
    windows = layout.batch_size // layout.window_shards
    is_whole = accelerator.is_tpu and layout.model == 1 and generation.has_kernels
    has_kernel = is_whole and has_attention_kernel(workload.decoder, windows, workload.positions)
    efficiency = generation.efficiency * (_SPLIT_EFFICIENCY if split else 1.0)
    efficiency *= _PLAIN_EFFICIENCY if accelerator.is_tpu and not has_kernel else 1.0
    arithmetic = flops * passes / (peak * efficiency)
    # Each device reads all weights once a batch, gathered or not; where layers are split, only its own share.
    weight_bytes = workload.weight_bytes / (layout.model if split else 1)
    if workload.is_converted:  # they are written in the arithmetic's precision too, and read in it
        weight_bytes *= 1 + 2 * workload.element_bytes / workload.held_bytes
    memory = weight_bytes * devices_per_chip / (generation.hbm_bytes_per_second * _MEMORY_EFFICIENCY)
    link_speed = generation.link_bytes_per_second / devices_per_chip
    links = estimate_link_seconds(workload, layout, layout.batch_size, link_speed)
    selection = 0.0
    if 0 < top_k < workload.decoder.vocab and not is_cpu:  # a CPU needs a hundredth of a window's time for it
        logits = layout.batch_size * workload.scored_tokens * workload.decoder.vocab / layout.devices
        is_one_kernel = is_whole and not workload.kept and has_statistics_kernel(workload.decoder, windows)
        selection_bytes = (_KERNEL_PASSES if is_one_kernel else _SELECTION_PASSES) * 4 * logits
        selection = selection_bytes * devices_per_chip / (generation.hbm_bytes_per_second * _SELECTION_EFFICIENCY)
    exposed, overlapped = (links, 0.0) if split else (_EXPOSED * links, links)
    batch = max(max(arithmetic, memory, overlapped) + exposed + selection, _HOST_SECONDS)
    return Speed(
        arithmetic=arithmetic,
        memory=memory,
        links=links,
        selection=selection,
        batch=batch,
        windows_per_second=layout.batch_size / batch,
        mfu=flops / batch / peak,
    )


def estimate_link_seconds(workload: Workload, mesh: Mesh, batch_size: int, link_bytes_per_second: float) -> float:
    """Seconds for which a batch uses the links between devices."""
    layers = workload.decoder.layers
    if mesh.gather:
        gathered = workload.all_layers_bytes + workload.head_bytes
        return gathered * (mesh.devices - 1) / mesh.devices / link_bytes_per_second
    if mesh.model == 1:
        return 0.0
    windows = batch_size / mesh.window_shards
    states = windows * workload.positions * workload.decoder.embed * workload.element_bytes
    transfer_seconds = 2 * states * (mesh.model - 1) / mesh.model / link_bytes_per_second
    return 2 * layers * (transfer_seconds + _SUM_SECONDS)


def estimate_duration(workload: Workload, speed: Speed, windows: int, accelerator: Accelerator) -> Duration:
    """The duration of a run on one host, from its pod's start; weights are stored in two bytes an element."""
    return Duration(
        load=2 * workload.parameters / LOAD_BYTES_PER_SECOND,
        compile=accelerator.generation.compile_seconds,
        score=windows / speed.windows_per_second,
    )
