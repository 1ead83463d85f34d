"""The choice of how a model and a batch of windows are divided over devices, from their sizes."""

import dataclasses
import re
from collections.abc import Iterator, Sequence

from byheart.contracts.errors import ModelError, SettingsError
from byheart.contracts.progress import format_size
from byheart.contracts.setting_groups import AUTO
from byheart.machines.accelerators import ONE_HOST, Accelerator, resize
from byheart.machines.generation import Generation
from byheart.machines.gpus import GPU
from byheart.machines.memory import RESERVE, Memory, estimate_memory
from byheart.machines.mesh import TENSOR_PARALLEL, Mesh
from byheart.machines.workload import Workload
from byheart.models.axes import LAYERS

LEAST_WINDOWS = 8
"""Windows that a device must have room for where weights are replicated: fewer leave its arithmetic units idle."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout(Mesh):
    """A mesh, and the size of the batches that it scores."""

    batch_size: int
    """Windows in a batch, over all devices; a multiple of `window_shards`."""

    @property
    def windows_per_device(self) -> int:
        """Windows of a batch on each device, or on each row of devices where they split layers."""
        return self.batch_size // self.window_shards

    def is_same_mesh(self, other: "Layout") -> bool:
        """Whether weights lie on the devices as in another layout, which may have another batch."""
        return dataclasses.replace(self, batch_size=other.batch_size) == other

    @property
    def description(self) -> str:
        """The layout in words."""
        if self.devices == 1:
            return "one device"
        if self.gather:
            return "weights split over all devices and gathered layer by layer"
        if self.model == 1:
            return "weights whole on each device"
        return "tensor parallel" + f", weights whole along {self.data} rows" * (self.data > 1)


def choose_layout(
    workload: Workload,
    devices: int,
    memory_bytes: float | None,
    windows_per_device: int,
    mesh_shape: str = AUTO,
    batch_size: int = 0,
    generation: Generation | None = None,
) -> Layout:
    """The layout of a model on some devices.

    `auto` replicates the weights where each device has room for them and for `LEAST_WINDOWS` windows, else it gathers
    them layer by layer; it splits layers (tensor parallel) only where a gathered layer does not fit. `DATAxMODEL` is
    obeyed.

    Args:
        memory_bytes: of a device; None sets no limit.
        windows_per_device: the batch size beyond which scoring gets no faster; halved until it fits.
        mesh_shape: `auto` or `DATAxMODEL`.
        batch_size: windows in a batch over all devices; 0 lets this function choose.
        generation: of the devices; where they are GPUs, more or larger GPUs are named to who has too few.

    Raises:
        ModelError: the model does not fit.
        SettingsError: the mesh or the batch is impossible on these devices.
    """
    usable = None if memory_bytes is None else memory_bytes * (1 - RESERVE)
    if mesh_shape == AUTO:
        meshes = list(_list_automatic_meshes(workload, devices))
    else:
        meshes = [_parse_mesh(workload, devices, mesh_shape)]
    for mesh in meshes:
        least = min(LEAST_WINDOWS, windows_per_device) if mesh_shape == AUTO and _is_replicated(mesh) else 1
        for batch in _list_batch_sizes(mesh, windows_per_device, least, batch_size):
            if usable is None or estimate_memory(workload, mesh, batch).total <= usable:
                return Layout(**dataclasses.asdict(mesh), batch_size=batch)
    assert memory_bytes is not None
    needs = {mesh: estimate_memory(workload, mesh, batch_size or mesh.window_shards) for mesh in meshes}
    smallest = min(meshes, key=lambda mesh: needs[mesh].total)
    raise _explain_too_large(workload, smallest, needs[smallest], memory_bytes, mesh_shape, batch_size, generation)


def find_least_memory(workload: Workload, devices: int) -> Memory:
    """The least memory that a device needs with `auto`: for one window at a time, in the layout that needs least."""
    meshes = _list_automatic_meshes(workload, devices)
    needs = (estimate_memory(workload, mesh, mesh.window_shards) for mesh in meshes)
    return min(needs, key=lambda memory: memory.total)


def find_smallest_slice(workload: Workload) -> Accelerator | None:
    """The TPU slice of one host with the least memory that holds the model and `LEAST_WINDOWS` windows a device.

    Generations whose efficiency is not fitted come last. None where no slice of one host is large enough.
    """
    slices = (accelerator for accelerator in ONE_HOST.values() if accelerator.is_tpu)
    return _find_first_that_holds(workload, sorted(slices, key=_sort_key))


def _find_smallest_gpus(workload: Workload, generation: Generation) -> Accelerator | None:
    """The fewest GPUs of a generation that hold the model; else those of any generation with the least memory."""
    gpus = [accelerator for accelerator in ONE_HOST.values() if accelerator.flavour == "cuda"]
    same = [resize(gpu, generation) for gpu in gpus if gpu.generation.name == generation.name]
    others = sorted((gpu for gpu in gpus if gpu.generation.kinds), key=_sort_key)
    return _find_first_that_holds(workload, same) or _find_first_that_holds(workload, others)


def _find_first_that_holds(workload: Workload, slices: Sequence[Accelerator]) -> Accelerator | None:
    for accelerator in slices:
        usable = (accelerator.device_bytes or 0) * (1 - RESERVE)
        workload = dataclasses.replace(workload, copies_weights=accelerator.generation.copies_weights)
        for mesh in _list_automatic_meshes(workload, accelerator.devices):
            if estimate_memory(workload, mesh, LEAST_WINDOWS * mesh.window_shards).total <= usable:
                return accelerator
    return None


def _sort_key(accelerator: Accelerator) -> tuple[bool, float, int]:
    memory = accelerator.devices * (accelerator.device_bytes or 0)
    return not accelerator.generation.measured, memory, accelerator.chips


def _is_replicated(mesh: Mesh) -> bool:
    return mesh.devices > 1 and not mesh.gather and mesh.model == 1


def _list_automatic_meshes(workload: Workload, devices: int) -> Iterator[Mesh]:
    """The meshes that `auto` tries, first choice first."""
    yield Mesh(data=devices, model=1, gather=False)
    if devices > 1:
        yield Mesh(data=devices, model=1, gather=True)
    for model in range(2, devices + 1):
        if devices % model == 0 and not _find_indivisible_axes(workload, model):
            yield Mesh(data=devices // model, model=model, gather=False)


def _parse_mesh(workload: Workload, devices: int, mesh_shape: str) -> Mesh:
    """The mesh that `mesh_shape`, written `DATAxMODEL`, names.

    Raises:
        SettingsError: it is not so written, or does not divide the devices or the model.
    """
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", mesh_shape)
    if not match:
        raise SettingsError(
            f"mesh_shape must be auto or DATAxMODEL, found {mesh_shape!r}: write {devices}x1 for whole weights on each "
            f"of {devices} devices, 1x{devices} for tensor parallel",
            parameter="mesh_shape",
        )
    data, model = int(match[1]), int(match[2])
    if data * model != devices:
        raise SettingsError(
            f"mesh_shape must multiply to the number of devices, {devices}, found {mesh_shape}, which is "
            f"{data * model:,}: write auto, {devices}x1 or 1x{devices}",
            parameter="mesh_shape",
        )
    if axes := _find_indivisible_axes(workload, model):
        raise SettingsError(
            f"mesh_shape must have a model axis that divides {' and '.join(axes)}, found {model} in {mesh_shape}: "
            f"lower it, or write auto",
            parameter="mesh_shape",
        )
    return Mesh(data=data, model=model, gather=False)


def _find_indivisible_axes(workload: Workload, model: int) -> list[str]:
    """The layers' axes, each with its length, that cannot be divided into `model` equal shares."""
    sides = {
        axis: side
        for parameter in workload.weights[LAYERS].values()
        for axis, side in zip(parameter.axes, parameter.shape, strict=True)
        if axis in TENSOR_PARALLEL
    }
    return [f"{axis} ({side:,})" for axis, side in sides.items() if side % model]


def _list_batch_sizes(mesh: Mesh, windows_per_device: int, least: int, batch_size: int) -> Iterator[int]:
    """Batch sizes to try, largest first: `batch_size` alone where it is not 0.

    Raises:
        SettingsError: `batch_size` is no multiple of the mesh's window shards.
    """
    shards = mesh.window_shards
    if batch_size:
        if batch_size % shards:
            upper = -(-batch_size // shards) * shards
            raise SettingsError(
                f"batch_size must be a multiple of the {shards} devices that share a batch, found {batch_size:,}: "
                f"choose {upper:,}, or 0",
                parameter="batch_size",
            )
        yield batch_size
        return
    windows = windows_per_device
    while windows >= least:
        yield windows * shards
        windows //= 2


def _explain_too_large(
    workload: Workload,
    mesh: Mesh,
    needed: Memory,
    memory_bytes: float,
    mesh_shape: str,
    batch_size: int,
    generation: Generation | None,
) -> ModelError:
    usable = memory_bytes * (1 - RESERVE)
    layout = Layout(**dataclasses.asdict(mesh), batch_size=batch_size or mesh.window_shards)
    if batch_size and estimate_memory(workload, mesh, mesh.window_shards).total <= usable:
        remedy = "lower batch_size, or set it to 0"
    elif mesh_shape != AUTO and find_least_memory(workload, mesh.devices).total <= usable:
        remedy = "mesh_shape=auto fits"
    elif generation and generation.resource == GPU:
        gpus = _find_smallest_gpus(workload, generation)
        remedy = f"{gpus.name} holds it" if gpus else "no GPUs of one host hold it: choose a smaller model"
    elif smallest := find_smallest_slice(workload):
        remedy = f"the smallest slice that holds it is {smallest.name}"
    else:
        remedy = "no slice of one host holds it: choose a smaller model"
    return ModelError(
        f"a model of {workload.parameters:,} parameters in {workload.precision} needs {format_size(needed.total)} a "
        f"device, {format_size(needed.weights)} of them for weights, on {mesh.devices} ({layout.description}, a batch "
        f"of {layout.batch_size:,}), found {format_size(memory_bytes)}, of which {RESERVE:.0%} stay free: {remedy}"
    )
