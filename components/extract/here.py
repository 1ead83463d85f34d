"""Prints what this machine scores with, by the name that a run takes: `python -m byheart.components.extract.here`."""

from collections.abc import Sequence

import jax

from byheart.machines.accelerators import ONE_HOST, find_generation


def name_accelerator(devices: Sequence[jax.Device]) -> str:
    """The largest accelerator that these devices of one kind make up; `cpu` where they make up none."""
    platform, count = devices[0].platform, len(devices)
    if platform == "gpu":
        fitting = [name for name, accelerator in ONE_HOST.items() if accelerator.generation.name == "gpu"]
        return [name for name in fitting if ONE_HOST[name].devices <= count][-1]
    generation = find_generation(devices[0].device_kind)
    slices = (name for name, accelerator in ONE_HOST.items() if accelerator.generation == generation)
    return next((name for name in slices if platform == "tpu" and ONE_HOST[name].devices == count), "cpu")


if __name__ == "__main__":
    print(name_accelerator(jax.devices()))
