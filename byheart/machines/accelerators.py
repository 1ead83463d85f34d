"""The accelerators that a run can be placed on, by name: `v6e-2x4`, `h100-1`, `cpu`.

A name is the generation and the topology: `v6e-2x4` is eight chips of a TPU v6e, two by four; `h100-1` one GPU; `cpu` a
laptop. tpus.py and gpus.py have a row for each generation.
"""

import dataclasses
import difflib
import math
import re

from byheart.contracts.errors import SettingsError
from byheart.contracts.spellings import respell
from byheart.machines.generation import GB, TERA, Generation
from byheart.machines.gpus import GPUS, read_program_share
from byheart.machines.tpus import TPUS

_CHIPS_PER_HOST = 4
"""Chips on each host of a slice that has several hosts."""
_SIZED = re.compile(r"(.+)-([1-9][0-9]{0,3})gb")


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
        share = read_program_share() if self.flavour == "cuda" else 1.0
        return hbm and hbm * share / self.generation.devices_per_chip

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


_CPU = Generation(
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
)

GENERATIONS = {generation.name: generation for generation in (*TPUS, *GPUS, _CPU)}

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
COMPARED = [
    accelerator
    for accelerator in ONE_HOST.values()
    if accelerator.flavour != "cuda" or (accelerator.chips == 1 and accelerator.generation.kinds)
]
"""Those that a plan compares: of GPUs, one card of each kind."""


_OTHER_WORDS = {"v5litepod": "v5e", "ironwood": "tpu7x", "trillium": "v6e", "4090": "rtx4090", "3090": "rtx3090"} | (
    dict.fromkeys(("nvidia", "cuda", "b200", "t4", "v100"), "gpu")
)
"""Other words for a generation."""


def find_accelerator(name: str) -> Accelerator:
    """The slice of that name, in any spelling that has one meaning.

    Raises:
        SettingsError: no slice has that name, or it has several hosts.
    """
    name = respell("accelerator", name, str)
    if sized := _find_sized(name):
        return sized
    if name not in ACCELERATORS:
        generation = _guess_generation(name)
        same_generation = [known for known, other in ONE_HOST.items() if other.generation == generation]
        lacks_topology = name.lower() in GENERATIONS or re.fullmatch(
            r"[^-]+-\d+", name
        )  # its nearest name has some topology
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


def _find_sized(name: str) -> Accelerator | None:
    """GPUs with another memory than their row's, as gpu-1-48gb; None for other names."""
    match = _SIZED.fullmatch(name)
    known = ONE_HOST.get(match[1]) if match else None
    if match is None or known is None or known.flavour != "cuda":
        return None
    return resize(known, dataclasses.replace(known.generation, hbm_bytes=int(match[2]) * GB))


def resize(gpus: Accelerator, generation: Generation) -> Accelerator:
    """The same number of GPUs, with the memory that `generation` has; the name says so if it is not their row's."""
    size = generation.hbm_bytes
    if not size or size == gpus.generation.hbm_bytes:
        return gpus
    return dataclasses.replace(gpus, name=f"{gpus.name}-{size / GB:.0f}gb", generation=generation)


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
    for generation in GENERATIONS.values():
        if device_kind in generation.kinds:
            return generation
        if generation in GPUS and device_kind.startswith(
            tuple(f"{kind}{end}" for kind in generation.kinds for end in " -")
        ):
            return generation
    return None
