"""The accelerator that `auto` stands for."""

from byheart.contracts.setting_groups import AUTO
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
    listed = find_listed(subject.name)
    if listed and isinstance(plan_on(listed, subject), Planned):
        return listed
    slices = [accelerator for accelerator in ONE_HOST.values() if accelerator.is_tpu]
    largest = max(slices, key=lambda accelerator: accelerator.devices * (accelerator.device_bytes or 0))
    return find_smallest_slice(subject.describe_workload(largest)) or largest


def find_listed(model: str) -> Accelerator | None:
    """The accelerator in models.yaml for a model, by its name there or its repository; None if there is none."""
    for name, known in KNOWN.items():
        if known.accelerator and model in (name, known.repository):
            return find_accelerator(known.accelerator)
    return None
