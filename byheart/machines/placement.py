"""The nodes that the pods of `extract` ask Kubernetes for, in its own terms.

Kubeflow reads the resource, its count, the CPUs and the memory as texts. It turns other types into an empty text, and
then asks for no accelerator. An empty resource asks for none; an empty selector or list of tolerations leaves a pod
unchanged.
"""

import dataclasses
import math

from byheart.contracts.setting_groups import AUTO, PlacementSettings
from byheart.machines.planned import Planned

_HOST_CPUS, _HOST_GIB = 8, 32
"""A pod's CPUs and memory for each chip. Every host in the table of accelerators has at least 12 CPUs and 48 GB a chip,
of which GKE keeps some; loading needs 1 GB beside the devices' memory, and a compilation a few."""
_CPU_CPUS = 2
"""A pod's CPUs where there is no chip: as many as the planned time of a CPU assumes."""
_PROCESS_GIB = 2
"""Memory for Python, JAX, and the buffers of loading and writing."""
_SLACK = 1.1
"""The factor by which a pod's memory exceeds the estimate. With it, 1.6 billion parameters took 7.2 of 9 GiB in
float32, and 9.6 of 12 in bfloat16."""
_GIB = 2**30
_SPOT = "cloud.google.com/gke-spot"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """A pod's limits, which are its requests too, and the nodes it may run on.

    The fields have the names of the plan component's outputs.
    """

    accelerator_type: str
    """The resource, such as `google.com/tpu`; empty for none."""
    accelerator_count: str
    """The number of the host's chips."""
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
"""Any node, without an accelerator: for a run whose scores are all in the store."""


def choose_placement(planned: Planned, settings: PlacementSettings) -> Placement:
    """The pod that scores a planned model.

    Its memory is the one in `settings`. With `auto` it is a share of the host for each chip, and without chips the
    estimate for the model and a batch.
    """
    accelerator = planned.accelerator
    resource, chips = accelerator.generation.resource, accelerator.chips
    gib = chips * _HOST_GIB if resource else math.ceil(_SLACK * _estimate_cpu_bytes(planned) / _GIB) + _PROCESS_GIB
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


def _estimate_cpu_bytes(planned: Planned) -> float:
    """The memory for a model and a batch on a CPU, which multiplies weights of 16 bits as a copy in float32."""
    workload = planned.workload
    planned_bytes = planned.layout.devices * planned.memory.total
    return planned_bytes + (4 * workload.parameters if workload.element_bytes < 4 else 0)
