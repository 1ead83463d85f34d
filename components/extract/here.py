"""Prints the name of this machine's accelerator, as a run takes it: `python -m byheart.components.extract.here`."""

from collections.abc import Sequence

import jax

from byheart.machines.accelerators import GENERATIONS, ONE_HOST, Accelerator, find_generation


def identify_accelerator(devices: Sequence[jax.Device]) -> Accelerator | None:
    """The largest accelerator that these devices of one kind make up; None where they make up none.

    TPUs are a slice as a whole; of GPUs and CPUs, some may stay unused.
    """
    kind, platform, count = devices[0].device_kind, devices[0].platform, len(devices)
    generation = find_generation(kind) if platform == "tpu" else GENERATIONS.get(platform)
    slices = [accelerator for accelerator in ONE_HOST.values() if accelerator.generation is generation]
    fitting = [part for part in slices if part.devices == count or (part.devices < count and platform != "tpu")]
    return fitting[-1] if fitting else None


if __name__ == "__main__":
    accelerator = identify_accelerator(jax.devices())
    print(accelerator.name if accelerator else "cpu")
