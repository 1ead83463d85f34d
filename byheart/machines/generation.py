"""A kind of chip: what it can do, and the slices of it that can be had."""

import dataclasses

from byheart.machines.workload import HEAD_WINDOWS

GB = 10**9
TERA = 10**12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Generation:
    """A kind of chip, and the slices of it that can be had."""

    name: str
    label: str
    """Its nodes' value of the label `gke-tpu-accelerator` on Kubernetes, or of `gke-accelerator` for GPUs."""
    resource: str
    """The Kubernetes resource that a pod requests, one for each chip; empty for a CPU."""
    machines: dict[int, str]
    """Machine types by their number of chips."""
    topologies: tuple[str, ...]
    """Slice shapes, smallest first."""
    hbm_bytes: float | None
    """Memory of a chip; None where it is the host's and not known here."""
    peak_flops: float
    """Operations a second of a chip, in bfloat16 (of a CPU in float32)."""
    hbm_bytes_per_second: float
    """Memory bandwidth of a chip."""
    link_bytes_per_second: float
    """Bandwidth of a chip to its neighbours on a ring, both directions together."""
    float32_passes: int
    """The time of a matrix product in float32 over its time in bfloat16."""
    windows_per_device: int
    """The batch size beyond which scoring gets no faster."""
    efficiency: float
    """The share of the peak that a large batch reaches if only its arithmetic counts; see `speed`."""
    measured: bool = True
    """Whether `efficiency` is fitted to this generation; otherwise it is copied from the most similar one."""
    devices_per_chip: int = 1
    """Devices that JAX sees for each chip."""
    has_kernels: bool = True
    """For a TPU, whether the 64 MiB that kernels take fit its units' own memory."""
    copies_weights: bool = False
    """Whether its compiler lays out all weights anew for each batch, in memory of their size."""
    head_windows: int = HEAD_WINDOWS
    """Windows whose logits a device holds at once."""
    compile_seconds: float = 60.0
    """The time to compile a model of any number of layers, since layers are scanned; roughly."""
    kinds: tuple[str, ...] = ()
    """The names under which JAX reports such a device; a GPU's may go on, as with `80GB HBM3`."""
