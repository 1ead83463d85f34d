"""Where the pods of `extract` run, in Kubernetes' own terms, as the pipeline hands them on.

Kubeflow reads the resource, its count, the CPUs and the memory as texts; of other types it makes an empty text, and no
accelerator is asked for. An empty resource asks for none, and an empty selector or list of tolerations leaves a pod as
it is.
"""

import dataclasses
import math

from byheart.contracts.settings import AUTO, PlacementSettings
from byheart.machines.planned import Planned

_HOST_CPUS, _HOST_GIB = 8, 32
"""Of the pod, for each chip. Every host that the table of accelerators names has at least 12 CPUs and 48 GB a chip, of
which GKE keeps some; loading needs 1 GB beside what the devices hold, and a compilation a few."""
_CPU_CPUS = 2
"""What the time that is planned for a CPU counts with."""
_PROCESS_GIB = 2
"""Python, JAX, and what loading and writing hold for a moment."""
_SLACK = 1.1
"""With it, 1.6 billion parameters took 7.2 of 9 GiB in float32, and 9.6 of 12 in bfloat16."""
_GIB = 2**30
_SPOT = "cloud.google.com/gke-spot"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """What a pod asks for; limits, which are its requests too. Named as the outputs of the plan's component."""

    accelerator_type: str
    """The resource, as `google.com/tpu`; empty for none."""
    accelerator_count: str
    """All chips of the host."""
    cpu: str
    memory: str
    node_selector: dict[str, str]
    """Labels that the node must have."""
    tolerations: list[dict[str, str]]
    """Taints that the node may have."""


PLAIN = Placement(
    accelerator_type="",
    accelerator_count="0",
    cpu="1",
    memory=f"{_PROCESS_GIB}Gi",
    node_selector={},
    tolerations=[],
)
"""Any node: for a run whose scores are all there, which so never waits for an accelerator."""


def placement_of(planned: Planned, settings: PlacementSettings) -> Placement:
    """Where a model is scored.

    A pod gets `memory` of what is asked for; else, beside chips, a share of their host, and on a CPU what the model
    and a batch take there.
    """
    accelerator = planned.accelerator
    resource, chips = accelerator.generation.resource, accelerator.chips
    gib = chips * _HOST_GIB if resource else math.ceil(_SLACK * _cpu_bytes(planned) / _GIB) + _PROCESS_GIB
    spot = {_SPOT: "true"} if settings.spot else {}
    taints = [key for key in (resource, *spot) if key]
    return Placement(
        accelerator_type=resource,
        accelerator_count=str(chips) if resource else "0",
        cpu=str(chips * _HOST_CPUS if resource else _CPU_CPUS),
        memory=f"{gib}Gi" if settings.memory == AUTO else settings.memory,
        node_selector=accelerator.node_labels | spot,
        tolerations=[{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in taints],
    )


def _cpu_bytes(planned: Planned) -> float:
    """What a model and a batch take on a CPU, which multiplies numbers of 16 bits in float32, the weights copied so."""
    workload = planned.workload
    held = planned.layout.devices * planned.memory.total
    return held + (4 * workload.parameters if workload.element_bytes < 4 else 0)
