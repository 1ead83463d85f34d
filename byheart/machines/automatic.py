"""The accelerator that `auto` stands for."""

from byheart.contracts.settings import AUTO
from byheart.machines.accelerators import ONE_HOST, Accelerator, find_accelerator
from byheart.machines.layout import find_smallest_slice
from byheart.machines.planned import Planned, Subject, plan_on
from byheart.models.known import KNOWN


def choose_accelerator(subject: Subject) -> Accelerator:
    """What the settings name; else what models.yaml names for the model, where it fits; else the smallest slice that
    holds it, or the largest where none does.
    """
    asked = subject.settings.placement.accelerator
    if asked != AUTO:
        return find_accelerator(asked)
    for name, known in KNOWN.items():
        if known.accelerator and subject.name in (name, known.repository):
            accelerator = find_accelerator(known.accelerator)
            if isinstance(plan_on(accelerator, subject), Planned):
                return accelerator
    slices = [one for one in ONE_HOST.values() if one.is_tpu]
    largest = max(slices, key=lambda one: one.devices * (one.device_bytes or 0))
    return find_smallest_slice(subject.describe_workload(largest)) or largest
