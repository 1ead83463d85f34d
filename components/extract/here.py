"""Prints the name of this machine's accelerator, as a run takes it: `python -m byheart.components.extract.here`."""

import dataclasses
import os
from collections.abc import Sequence

import jax

from byheart.machines.accelerators import GENERATIONS, ONE_HOST, Accelerator, find_generation, resize
from byheart.machines.generation import GB
from byheart.machines.gpus import claim_program_share, read_program_share

_NEAR = (0.97, 1.15)
"""A card's memory over that of its row: sheets count GB of two sizes, and a driver keeps some."""


def identify_accelerator(devices: Sequence[jax.Device]) -> Accelerator | None:
    """The largest accelerator that these devices of one kind make up; None where they make up none.

    TPUs are a slice as a whole; of GPUs and CPUs, some may stay unused. A GPU is known by its name, and by the memory
    that it has: the name of an accelerator with another memory than its row's ends with it, as gpu-1-48gb.
    """
    kind, platform, count = devices[0].device_kind, devices[0].platform, len(devices)
    generation = find_generation(kind) if platform == "tpu" else GENERATIONS.get(platform)
    if platform == "gpu":
        generation = find_generation(kind) or GENERATIONS["gpu"]
    slices = [accelerator for accelerator in ONE_HOST.values() if accelerator.generation is generation]
    fitting = [part for part in slices if part.devices == count or (part.devices < count and platform != "tpu")]
    if not fitting:
        return None
    return _heed_memory(fitting[-1], devices) if platform == "gpu" else fitting[-1]


def _heed_memory(gpus: Accelerator, devices: Sequence[jax.Device]) -> Accelerator:
    """These GPUs, with the memory of the smallest device if it is not their row's."""
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    known = [limit for limit in limits if limit]
    row = gpus.generation.hbm_bytes
    if not known or not row:
        return gpus
    size = min(known) / read_program_share()
    if _NEAR[0] <= size / row <= _NEAR[1]:
        return gpus
    return resize(gpus, dataclasses.replace(gpus.generation, hbm_bytes=size // GB * GB))


if __name__ == "__main__":
    claim_program_share()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # it only asks
    accelerator = identify_accelerator(jax.devices())
    print(accelerator.name if accelerator else "cpu")
