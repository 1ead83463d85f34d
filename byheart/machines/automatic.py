"""The accelerator that `auto` stands for."""

from byheart.contracts.settings import AUTO
from byheart.machines.accelerators import ONE_HOST, Accelerator, find_accelerator
from byheart.machines.layout import find_smallest_slice
from byheart.machines.planned import Planned, Subject, plan_on
from byheart.models.known import KNOWN


def choose_accelerator(subject: Subject) -> Accelerator:
    """The accelerator of the settings; with `auto`, the one in models.yaml for the model if it fits, else the smallest
    slice of TPUs that holds it, or the largest if none does.
    """
    asked = subject.settings.placement.accelerator
    if asked != AUTO:
        return find_accelerator(asked)
    for name, known in KNOWN.items():
        if known.accelerator and subject.name in (name, known.repository):
            accelerator = find_accelerator(known.accelerator)
            if isinstance(plan_on(accelerator, subject), Planned):
                return accelerator
    slices = [accelerator for accelerator in ONE_HOST.values() if accelerator.is_tpu]
    largest = max(slices, key=lambda accelerator: accelerator.devices * (accelerator.device_bytes or 0))
    return find_smallest_slice(subject.describe_workload(largest)) or largest
