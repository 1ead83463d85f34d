"""Checks that the accelerator that a run was planned for is there, and says what may be wrong where it is not."""

import dataclasses
import importlib.util
import os
import resource
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from byheart.contracts.errors import DeviceError
from byheart.contracts.plan import PlannedDevices
from byheart.contracts.progress import size
from byheart.machines.accelerators import Accelerator
from byheart.machines.memory import RESERVE

_FILES = ("vfio/*", "accel*", "nvidia[0-9]*")
"""The devices of TPUs, newer and older, and of GPUs."""
_CUDA = ("jax_cuda12_plugin", "jax_cuda13_plugin")
_PLATFORMS = {"tpu": "tpu", "cuda": "gpu", "cpu": "cpu"}
"""What JAX calls the devices of each flavour."""
_CONTROL = "vfio/vfio"
"""Which is there without a chip too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The devices' files, and what this process may do with them."""

    uid: int
    memlock: tuple[int, int]
    """Bytes that may be locked in memory: what is in force, and what it may be raised to."""
    files: dict[str, str]
    """The mode and owner of each file of a device, as `crw------- 0:0`."""
    variables: dict[str, str]
    """Those whose names begin with TPU_: a Kubernetes node with TPUs sets some."""
    has_libtpu: bool
    """Whether JAX can find the library that drives TPUs."""
    has_cuda: bool
    """Whether JAX can find its plugin for NVIDIA GPUs."""

    @classmethod
    def look(cls, devices: Path = Path("/dev"), variables: Mapping[str, str] = os.environ) -> "Surroundings":
        """The surroundings of this process."""
        return cls(
            uid=os.getuid(),
            memlock=resource.getrlimit(resource.RLIMIT_MEMLOCK),
            files={str(path): _mode(path) for pattern in _FILES for path in sorted(devices.glob(pattern))},
            variables={name: value for name, value in sorted(variables.items()) if name.startswith("TPU_")},
            has_libtpu=importlib.util.find_spec("libtpu") is not None,
            has_cuda=any(importlib.util.find_spec(plugin) for plugin in _CUDA),
        )

    @property
    def chips(self) -> list[str]:
        """The files of devices, without their control file."""
        return [path for path in self.files if not path.endswith(_CONTROL)]

    @property
    def described(self) -> str:
        """The surroundings in words, on one line."""
        soft, hard = ("unlimited" if one == resource.RLIM_INFINITY else f"{one:,} bytes" for one in self.memlock)
        files = ", ".join(f"{path} {mode}" for path, mode in self.files.items())
        variables = " ".join(f"{name}={value}" for name, value in self.variables.items())
        return "; ".join(
            (
                f"uid {self.uid}",
                f"RLIMIT_MEMLOCK {soft}, at most {hard}",
                files or "no /dev/vfio, /dev/accel* or /dev/nvidia*",
                variables or "no variable TPU_*",
                f"libtpu is {'' if self.has_libtpu else 'not '}installed",
                *(("CUDA is installed",) if self.has_cuda else ()),
            )
        )


def _mode(path: Path) -> str:
    found = path.stat()
    return f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"


def find_devices(accelerator: Accelerator) -> list[jax.Device]:
    """This process's devices, which are the accelerator's.

    Raises:
        DeviceError: they are others, or JAX cannot start them.
    """
    try:
        devices = jax.devices("cpu") if accelerator.flavour == "cpu" else jax.devices()
    except RuntimeError as error:  # with JAX_PLATFORMS=tpu, and no TPU
        raise _missing(accelerator, f"none, {_says(error)}", Surroundings.look()) from None
    check_found(accelerator, devices)
    return devices


def planned_devices(accelerator: Accelerator, planned: PlannedDevices) -> list[jax.Device]:
    """As many of the accelerator's devices as were planned for.

    Raises:
        DeviceError: there are others or fewer, or one has less memory than was planned for.
    """
    wanted, platform = planned.data * planned.model, _PLATFORMS[planned.flavour]
    found = [device for device in find_devices(accelerator) if device.platform == platform]
    if len(found) < wanted:
        raise DeviceError(
            f"{wanted} devices of {accelerator.name} must be there, as planned, found {len(found)}: give the task as "
            f"many, lower num_devices or mesh_shape, and run again"
        )
    devices = found[:wanted]
    for device in devices:
        memory = _memory_bytes(device)
        if memory is not None and memory * (1 - RESERVE) < planned.device_bytes:
            raise DeviceError(
                f"a device must have {size(planned.device_bytes)} for the model and {planned.batch_size:,} windows, as "
                f"planned for {accelerator.name}, found {size(memory)} on {device.device_kind}, of which "
                f"{RESERVE:.0%} stay free: lower batch_size, or name an accelerator with more memory"
            )
    return devices


def _memory_bytes(device: jax.Device) -> float | None:
    """Of a device; None where it is the host's, or not told."""
    found = None if device.platform == "cpu" else device.memory_stats()
    return found.get("bytes_limit") if found else None


def check_found(accelerator: Accelerator, devices: Sequence[jax.Device]) -> None:
    """Refuse other devices than those of the TPU or GPU slice that a run was planned for.

    A slice of TPUs must be there as it is; of GPUs any kind will do, and more than were planned.

    Raises:
        DeviceError: they are of another kind or number; it says what was found around them, and what to do.
    """
    kinds = Counter(device.device_kind for device in devices)
    platforms = Counter(device.platform for device in devices)
    if accelerator.is_tpu:
        there = len(devices) == accelerator.devices and set(kinds) <= set(accelerator.generation.kinds)
    else:
        there = platforms[_PLATFORMS[accelerator.flavour]] >= accelerator.devices
    if there:
        return
    seen, found = Surroundings.look(), ", ".join(f"{count} of {kind}" for kind, count in kinds.items())
    if accelerator.is_tpu and seen.has_libtpu and not platforms["tpu"]:
        try:
            jax.devices("tpu")
        except RuntimeError as error:  # what JAX keeps to itself when it falls back to the CPU
            found += f", {_says(error)}"
    raise _missing(accelerator, found, seen)


def _says(error: RuntimeError) -> str:
    return f"since JAX says: {' '.join(str(error).split())}"


def _missing(accelerator: Accelerator, found: str, seen: Surroundings) -> DeviceError:
    kind = f" of {accelerator.generation.kinds[0]}" if accelerator.generation.kinds else ""
    plural = "s" * (accelerator.devices > 1)
    return DeviceError(
        f"accelerator {accelerator.name} must give {accelerator.devices} device{plural}{kind}, found {found} "
        f"({seen.described}): {_remedy(accelerator, seen)}",
        parameter="accelerator",
    )


def _remedy(accelerator: Accelerator, seen: Surroundings) -> str:
    """What to do about the first thing that is missing."""
    if accelerator.flavour == "cpu":
        return "let JAX use the CPU: set JAX_PLATFORMS=cpu, or unset it"
    resource = f"{accelerator.generation.resource}={accelerator.chips}"
    labels = ", ".join(f"{name}={value}" for name, value in accelerator.node_labels.items())
    asked = f"{resource} on a node with {labels}"
    if not seen.chips:
        return f"the pod has no such device: let it ask for {asked}, or say accelerator=cpu"
    if not accelerator.is_tpu:
        return _gpu_remedy(resource, accelerator.chips, seen)
    if not seen.has_libtpu:
        return "the image cannot drive TPUs: build the extract image with JAX=tpu"
    if seen.uid:
        return (
            f"the user may be kept from the device: compile with RUN_AS=0, or raise RLIMIT_MEMLOCK; else see that the "
            f"pod asks for {asked}"
        )
    return f"see that the pod asks for {asked}, and that no other process holds the device"


def _gpu_remedy(resource: str, wanted: int, seen: Surroundings) -> str:
    if not seen.has_cuda:
        return "the image cannot drive GPUs: build the extract image with JAX=cuda12"
    if len(seen.chips) < wanted:
        return f"the pod has {len(seen.chips)} of {wanted} GPUs: let it ask for {resource}, or choose a smaller slice"
    return "see with nvidia-smi that the driver knows CUDA 12 and that no other process holds the GPUs"
