"""Checking that this process has the planned devices, with an error that says what may be wrong where it has not."""

import dataclasses
import importlib.util
import logging
import os
import re
import resource
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from byheart.contracts.errors import DeviceError
from byheart.contracts.plan import PlannedDevices
from byheart.contracts.progress import format_size
from byheart.machines.accelerators import Accelerator
from byheart.machines.gpus import claim_program_share
from byheart.machines.memory import RESERVE

_FILES = ("vfio/*", "accel*", "nvidia[0-9]*")
"""Patterns of the device files of newer TPUs, older TPUs and GPUs."""
_CUDA = ("jax_cuda12_plugin", "jax_cuda13_plugin")
_PLATFORMS = {"tpu": "tpu", "cuda": "gpu", "cpu": "cpu"}
"""JAX's platform for each flavour."""
_LASTING = re.compile(
    "unknown backend|failed to open libtpu|permission|not permitted|cannot allocate memory", re.IGNORECASE
)
"""What JAX says if it was told to leave the accelerator alone, lacks its driver, or may not open it or lock memory."""
_SEE_DRIVER = "see with nvidia-smi that the driver knows CUDA 12 and that no other process holds the GPUs"
_CONTROL = "vfio/vfio"
"""A file that exists without a chip too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The device files of this machine, and the rights and libraries of this process."""

    uid: int
    memlock: tuple[int, int]
    """Bytes that may be locked in memory: the limit in force, and the highest that it may be raised to."""
    files: dict[str, str]
    """The mode and owner of each device file, such as `crw------- 0:0`."""
    variables: dict[str, str]
    """Environment variables whose names begin with TPU_: a Kubernetes node with TPUs sets some."""
    has_libtpu: bool
    """Whether JAX can find the library that drives TPUs."""
    has_cuda: bool
    """Whether JAX can find its plugin for NVIDIA GPUs."""
    is_pod: bool
    """Whether this is a pod of Kubernetes; else it is a person's machine."""

    @classmethod
    def look(cls, devices: Path = Path("/dev"), variables: Mapping[str, str] = os.environ) -> "Surroundings":
        """The surroundings of this process."""
        return cls(
            uid=os.getuid(),
            memlock=resource.getrlimit(resource.RLIMIT_MEMLOCK),
            files={str(path): _format_mode(path) for pattern in _FILES for path in sorted(devices.glob(pattern))},
            variables={name: value for name, value in sorted(variables.items()) if name.startswith("TPU_")},
            has_libtpu=importlib.util.find_spec("libtpu") is not None,
            has_cuda=any(importlib.util.find_spec(plugin) for plugin in _CUDA),
            is_pod="KUBERNETES_SERVICE_HOST" in variables,
        )

    @property
    def chips(self) -> list[str]:
        """The device files of chips."""
        return [path for path in self.files if not path.endswith(_CONTROL)]

    @property
    def description(self) -> str:
        """The surroundings in words, on one line."""
        soft, hard = ("unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,} bytes" for limit in self.memlock)
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


def _format_mode(path: Path) -> str:
    status = path.stat()
    return f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"


def find_devices(accelerator: Accelerator) -> list[jax.Device]:
    """This process's devices, after a check that they are the accelerator's.

    Raises:
        DeviceError: they are other devices, or JAX cannot start them.
    """
    _leave_out_other_platforms(accelerator)
    claim_program_share()
    try:
        devices = jax.devices("cpu") if accelerator.flavour == "cpu" else jax.devices()
    except RuntimeError as error:  # with JAX_PLATFORMS=tpu, and no TPU
        raise _explain_missing(accelerator, "none", Surroundings.look(), error) from None
    check_devices(accelerator, devices)
    return devices


def _leave_out_other_platforms(accelerator: Accelerator) -> None:
    """Keep JAX from logging that it cannot start TPUs where none are wanted, which reads like an error."""
    if accelerator.flavour == "cpu" and not jax.config.values["jax_platforms"]:
        jax.config.update("jax_platforms", "cpu")
    elif not accelerator.is_tpu:
        logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)


def find_planned_devices(accelerator: Accelerator, planned: PlannedDevices) -> list[jax.Device]:
    """As many of the accelerator's devices as the plan uses.

    Raises:
        DeviceError: there are other or fewer devices, or one has less memory than the plan needs.
    """
    count, platform = planned.data * planned.model, _PLATFORMS[planned.flavour]
    devices = [device for device in find_devices(accelerator) if device.platform == platform]
    if len(devices) < count:
        raise DeviceError(
            f"{count} devices of {accelerator.name} must be there, as planned, found {len(devices)}: give the task as "
            f"many, lower num_devices or mesh_shape, and run again"
        )
    for device in devices[:count]:
        memory = _read_memory_bytes(device)
        if memory is not None and memory * (1 - RESERVE) < planned.device_bytes:
            raise DeviceError(
                f"a device must have {format_size(planned.device_bytes)} for the model and {planned.batch_size:,} "
                f"windows, as planned for {accelerator.name}, found {format_size(memory)} on {device.device_kind}, of "
                f"which {RESERVE:.0%} stay free: lower batch_size, or name an accelerator with more memory"
            )
    return devices[:count]


def _read_memory_bytes(device: jax.Device) -> float | None:
    """The memory of a device; None for a CPU, and where JAX does not report it."""
    statistics = None if device.platform == "cpu" else device.memory_stats()
    return statistics.get("bytes_limit") if statistics else None


def check_devices(accelerator: Accelerator, devices: Sequence[jax.Device]) -> None:
    """Refuse devices that are not those of the accelerator.

    TPUs must be of the slice's kind and number. GPUs may be of any kind, and more than the slice has.

    Raises:
        DeviceError: the devices are of another kind or number; the message describes the surroundings.
    """
    kinds = Counter(device.device_kind for device in devices)
    platforms = Counter(device.platform for device in devices)
    if accelerator.is_tpu:
        match = len(devices) == accelerator.devices and set(kinds) <= set(accelerator.generation.kinds)
    else:
        match = platforms[_PLATFORMS[accelerator.flavour]] >= accelerator.devices
    if match:
        return
    seen, found = Surroundings.look(), ", ".join(f"{count} of {kind}" for kind, count in kinds.items())
    reason = None
    if accelerator.is_tpu and seen.has_libtpu and not platforms["tpu"]:
        try:
            jax.devices("tpu")
        except RuntimeError as error:  # JAX hides it when it falls back to the CPU
            reason = error
    raise _explain_missing(accelerator, found, seen, reason)


def _explain_missing(
    accelerator: Accelerator, found: str, seen: Surroundings, reason: RuntimeError | None
) -> DeviceError:
    """The error for an accelerator that is not there, or that JAX cannot start for this reason."""
    kind = f" of {accelerator.generation.kinds[0]}" if accelerator.generation.kinds else ""
    plural = "s" * (accelerator.devices > 1)
    if reason:
        found += f", since JAX says: {' '.join(str(reason).split())}"
    may_answer = _may_answer_later(accelerator, seen, reason)
    remedy = "end what uses it, or run again" if may_answer else _choose_remedy(accelerator, seen)
    return DeviceError(
        f"accelerator {accelerator.name} must give {accelerator.devices} device{plural}{kind}, found {found} "
        f"({seen.description}): {remedy}",
        parameter="accelerator",
        may_pass=may_answer,
    )


def _may_answer_later(accelerator: Accelerator, seen: Surroundings, reason: RuntimeError | None) -> bool:
    """Whether a later attempt may find the accelerator: its chips and its driver are here, but JAX cannot start them.

    Then another process holds them, or they are not ready yet. JAX's status does not tell: it is ABORTED for a TPU that
    another process holds, FAILED_PRECONDITION for `open(/dev/vfio/0): Device or resource busy` and also for GPUs whose
    driver is not initialised. So all may pass but what JAX is told to do, and what it lacks or has no right to.
    """
    has_driver = {"tpu": seen.has_libtpu, "cuda": seen.has_cuda, "cpu": False}[accelerator.flavour]
    return bool(reason and seen.chips and has_driver and not _LASTING.search(str(reason)))


def _choose_remedy(accelerator: Accelerator, seen: Surroundings) -> str:
    """What to do about the first cause that applies."""
    if accelerator.flavour == "cpu":
        return "let JAX use the CPU: set JAX_PLATFORMS=cpu, or unset it"
    return _choose_pods_remedy(accelerator, seen) if seen.is_pod else _choose_desks_remedy(accelerator, seen)


def _choose_pods_remedy(accelerator: Accelerator, seen: Surroundings) -> str:
    resource = f"{accelerator.generation.resource}={accelerator.chips}"
    labels = ", ".join(f"{name}={value}" for name, value in accelerator.node_labels.items())
    request = f"{resource} on a node with {labels}"
    if not seen.chips:
        return f"the pod has no such device: let it ask for {request}, or say accelerator=cpu"
    if not accelerator.is_tpu:
        if not seen.has_cuda:
            return "the image cannot drive GPUs: build the extract image with --jax cuda12"
        if len(seen.chips) < accelerator.chips:
            found = f"{len(seen.chips)} of {accelerator.chips}"
            return f"the pod has {found} GPUs: let it ask for {resource}, or choose a smaller slice"
        return _SEE_DRIVER
    if not seen.has_libtpu:
        return "the image cannot drive TPUs: build the extract image with --jax tpu"
    if seen.uid:
        return (
            f"the user may be kept from the device: compile with --run-as 0, or raise RLIMIT_MEMLOCK; else see that "
            f"the pod asks for {request}"
        )
    return f"see that the pod asks for {request}, and that no other process holds the device"


def _choose_desks_remedy(accelerator: Accelerator, seen: Surroundings) -> str:
    kind, extra = ("TPU", "tpu") if accelerator.is_tpu else ("GPU", "cuda12] or [cuda13")
    has_driver = seen.has_libtpu if accelerator.is_tpu else seen.has_cuda
    if not seen.chips:
        return "this machine has no such device: leave accelerator= out, which takes what is there"
    if not has_driver:
        return f"byheart cannot drive {kind}s as it is installed: install it with [{extra}], or set accelerator=cpu"
    if len(seen.chips) < accelerator.chips:
        return f"this machine has {len(seen.chips)} of {accelerator.chips} {kind}s: leave accelerator= out"
    if not accelerator.is_tpu:
        return _SEE_DRIVER
    return "see that this user may open the device, and that no other process holds it"
