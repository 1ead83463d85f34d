"""Whether the accelerator that a run was planned for is there."""

from collections.abc import Sequence

import jax

from components.contracts.errors import ByheartError
from components.models.accelerators import Accelerator


def check_found(accelerator: Accelerator, devices: Sequence[jax.Device]) -> None:
    """Refuse to score on a host's CPU what was planned for a TPU or a GPU.

    Raises:
        ByheartError: JAX has found none.
    """
    if accelerator.generation.resource and all(device.platform == "cpu" for device in devices):
        raise ByheartError(
            f"accelerator must be there, found no {accelerator.generation.resource} for {accelerator.name} but "
            f"{len(devices)} {devices[0].device_kind}: look at the pod's node and its user, or set accelerator=cpu"
        )
