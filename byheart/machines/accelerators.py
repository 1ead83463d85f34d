"""The accelerators that a run can be placed on: what a chip can do, which slices there are, what Kubernetes calls them.

A name is the generation and the topology: `v6e-2x4` is eight chips of a TPU v6e, two by four; `gpu-1` one GPU; `cpu` a
laptop. Sources: Google Kubernetes Engine's tables of TPU slices; the generations' data sheets for memory and peak; for
the links the two directions of one ring, as the project's time model assumes. Memory counts decimal GB: what the
compiler lets a program have is a little more (15.75, 31.25 and 95.74 GiB on v5e, v6e and v5p).
"""

import dataclasses
import difflib
import math
import re

from byheart.contracts.errors import SettingsError
from byheart.contracts.spellings import respell

GB = 10**9
TERA = 10**12
_CHIPS_PER_HOST = 4
"""Chips on each host of a slice that has several hosts."""


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
    program_share: float = 1.0
    """The share of its memory that JAX lets a program have."""
    kinds: tuple[str, ...] = ()
    """The names under which JAX reports such a device."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accelerator:
    """A slice: chips that score together."""

    name: str
    generation: Generation
    topology: str
    """The value of the label `cloud.google.com/gke-tpu-topology`; the number of chips for GPUs."""
    chips: int

    @property
    def hosts(self) -> int:
        """Machines; each runs a pod."""
        largest_host = max(self.generation.machines)
        return 1 if self.chips <= largest_host else self.chips // _CHIPS_PER_HOST

    @property
    def machine(self) -> str:
        """The machine type."""
        return self.generation.machines[self.chips if self.hosts == 1 else _CHIPS_PER_HOST]

    @property
    def devices(self) -> int:
        """Devices that JAX sees."""
        return self.chips * self.generation.devices_per_chip

    @property
    def device_bytes(self) -> float | None:
        """Memory of a device that a program may have; None where it is the host's."""
        hbm = self.generation.hbm_bytes
        return hbm and hbm * self.generation.program_share / self.generation.devices_per_chip

    @property
    def is_tpu(self) -> bool:
        """Whether its chips are TPUs."""
        return self.generation.resource == "google.com/tpu"

    @property
    def flavour(self) -> str:
        """The build of JAX that drives its devices: `tpu`, `cuda` or `cpu`."""
        return "tpu" if self.is_tpu else "cuda" if self.generation.resource else "cpu"

    @property
    def node_labels(self) -> dict[str, str]:
        """Labels of the nodes that have such a slice, on Google Kubernetes Engine."""
        if self.is_tpu:
            prefix = "cloud.google.com/gke-tpu"
            return {f"{prefix}-accelerator": self.generation.label, f"{prefix}-topology": self.topology}
        return {"cloud.google.com/gke-accelerator": self.generation.label} if self.generation.label else {}


def _list_cubes(pod_chips: int) -> tuple[str, ...]:
    """The three-dimensional topologies of several hosts: up to a cube of side 4, then boxes of such cubes."""
    sides = range(4, pod_chips // 16 + 1, 4)
    large = [
        (short, middle, long)
        for short in sides
        for middle in sides
        if short <= middle and short * middle**2 <= pod_chips  # most pairs leave no third side: all triples take 0.3 s
        for long in sides
        if middle <= long and 64 < short * middle * long <= pod_chips
    ]
    small = [(2, 2, 2), (2, 2, 4), (2, 4, 4), (4, 4, 4)]
    return tuple("x".join(map(str, cube)) for cube in small + sorted(large, key=math.prod))


_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")

GENERATIONS = {
    generation.name: generation
    for generation in (
        Generation(
            name="v4",
            label="tpu-v4-podslice",
            resource="google.com/tpu",
            machines={4: "ct4p-hightpu-4t"},
            topologies=("2x2x1", *_list_cubes(4096)),
            hbm_bytes=32 * GB,
            peak_flops=275 * TERA,
            hbm_bytes_per_second=1228 * GB,
            link_bytes_per_second=90 * GB,
            float32_passes=6,
            windows_per_device=32,
            efficiency=0.85,
            measured=False,
            kinds=("TPU v4",),
        ),
        Generation(
            name="v5e",
            label="tpu-v5-lite-podslice",
            resource="google.com/tpu",
            machines={1: "ct5lp-hightpu-1t", 4: "ct5lp-hightpu-4t", 8: "ct5lp-hightpu-8t"},
            topologies=_FLAT,
            hbm_bytes=16 * GB,
            peak_flops=197 * TERA,
            hbm_bytes_per_second=819 * GB,
            link_bytes_per_second=90 * GB,
            float32_passes=6,
            windows_per_device=32,
            efficiency=0.85,
            kinds=("TPU v5 lite", "TPU v5e"),
        ),
        Generation(
            name="v5p",
            label="tpu-v5p-slice",
            resource="google.com/tpu",
            machines={4: "ct5p-hightpu-4t"},
            topologies=("2x2x1", *_list_cubes(6144)),
            hbm_bytes=95 * GB,
            peak_flops=459 * TERA,
            hbm_bytes_per_second=2765 * GB,
            link_bytes_per_second=180 * GB,
            float32_passes=6,
            windows_per_device=32,
            efficiency=0.85,
            kinds=("TPU v5", "TPU v5p"),
        ),
        Generation(
            name="v6e",
            label="tpu-v6e-slice",
            resource="google.com/tpu",
            machines={1: "ct6e-standard-1t", 4: "ct6e-standard-4t", 8: "ct6e-standard-8t"},
            topologies=_FLAT,
            hbm_bytes=32 * GB,
            peak_flops=918 * TERA,
            hbm_bytes_per_second=1640 * GB,
            link_bytes_per_second=180 * GB,
            float32_passes=6,
            windows_per_device=64,
            efficiency=0.74,
            kinds=("TPU v6 lite", "TPU v6e"),
        ),
        Generation(
            name="tpu7x",
            label="tpu7x",
            resource="google.com/tpu",
            machines={1: "tpu7x-standard-1t", 4: "tpu7x-standard-4t"},
            topologies=("1x1x1", "2x2x1", *_list_cubes(9216)),
            hbm_bytes=192 * GB,
            peak_flops=2307 * TERA,
            hbm_bytes_per_second=7370 * GB,
            link_bytes_per_second=180 * GB,
            float32_passes=6,
            windows_per_device=64,
            efficiency=0.74,
            measured=False,
            devices_per_chip=2,
            kinds=("TPU7x", "TPU v7x"),
        ),
        Generation(
            name="gpu",  # planned as an NVIDIA A100; `extract` takes what it finds
            label="nvidia-a100-80gb",
            resource="nvidia.com/gpu",
            machines={count: f"a2-ultragpu-{count}g" for count in (1, 2, 4, 8)},
            topologies=("1", "2", "4", "8"),
            hbm_bytes=80 * GB,
            peak_flops=312 * TERA,
            hbm_bytes_per_second=2039 * GB,
            link_bytes_per_second=300 * GB,
            float32_passes=16,
            windows_per_device=64,
            efficiency=0.5,
            program_share=0.75,  # unless XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise
            measured=False,
        ),
        Generation(
            name="cpu",  # a core with AVX-512; a plan takes those of the machine on which it is made
            label="",
            resource="",
            machines={1: "any machine"},
            topologies=("",),
            hbm_bytes=None,
            peak_flops=0.2 * TERA,
            hbm_bytes_per_second=20 * GB,
            link_bytes_per_second=10 * GB,
            float32_passes=1,
            windows_per_device=16,
            efficiency=0.94,  # of what a core does in a product of 2,048 x 2,048, for SmolLM2-135M's shape
            kinds=("cpu",),
        ),
    )
}

ACCELERATORS = {
    accelerator.name: accelerator
    for generation in GENERATIONS.values()
    for topology in generation.topologies
    for accelerator in (
        Accelerator(
            name=f"{generation.name}-{topology}".removesuffix("-"),
            generation=generation,
            topology=topology,
            chips=math.prod(int(side) for side in topology.split("x") if side),
        ),
    )
}

ONE_HOST = {name: accelerator for name, accelerator in ACCELERATORS.items() if accelerator.hosts == 1}


_OTHER_WORDS = {"v5litepod": "v5e", "ironwood": "tpu7x", "trillium": "v6e"} | dict.fromkeys(
    ("nvidia", "cuda", "a100", "h100", "h200", "b200", "l4", "t4", "v100"), "gpu"
)
"""Other words for a generation."""


def find_accelerator(name: str) -> Accelerator:
    """The slice of that name, in any spelling that has one meaning.

    Raises:
        SettingsError: no slice has that name, or it has several hosts.
    """
    name = respell("accelerator", name, str)
    if name not in ACCELERATORS:
        generation = _guess_generation(name)
        same_generation = [known for known, other in ONE_HOST.items() if other.generation == generation]
        lacks_topology = name in GENERATIONS or re.fullmatch(r"[^-]+-\d+", name)  # its nearest name has some topology
        near = [] if lacks_topology else difflib.get_close_matches(name, same_generation or ONE_HOST, 1)
        near = [known for known, other in ONE_HOST.items() if other.machine == name] or near
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsError(
            f"accelerator must be a generation and a topology, as v6e-2x4, found {name!r}: {hint}choose one of "
            f"{', '.join(same_generation or ONE_HOST)}",
            parameter="accelerator",
        )
    accelerator = ACCELERATORS[name]
    if accelerator.hosts > 1:
        largest = [known for known, other in ONE_HOST.items() if other.generation == accelerator.generation][-1]
        raise SettingsError(
            f"accelerator must have its chips on one host, found {name} with {accelerator.chips:,} chips on "
            f"{accelerator.hosts:,}: choose {largest}, and shards=N for N of them",
            parameter="accelerator",
        )
    return accelerator


def _guess_generation(name: str) -> Generation | None:
    """The generation that is meant by a name which is not in the table; None where none can be told."""
    text = name.lower()
    words = re.split(r"[^a-z0-9]+", text)
    for generation in GENERATIONS.values():
        others = {generation.label, *generation.machines.values(), *(kind.lower() for kind in generation.kinds)}
        if generation.name in words or text in others:
            return generation
    return next((GENERATIONS[generation] for word, generation in _OTHER_WORDS.items() if word in words), None)


def find_generation(device_kind: str) -> Generation | None:
    """The generation whose devices JAX reports as `device_kind`; None where the table has none."""
    return next((generation for generation in GENERATIONS.values() if device_kind in generation.kinds), None)
