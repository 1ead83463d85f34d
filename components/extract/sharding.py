"""The division of parameters and windows over devices, as a `Mesh` describes it.

Along the axis `data`, this file moves data between devices itself, inside `shard_map`. Along the axis `model`, the
compiler does so, from the parameters' shardings.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, NamedSharding
from jax.sharding import Mesh as DeviceMesh
from jax.sharding import PartitionSpec as P

from byheart.machines.accelerators import find_generation
from byheart.machines.mesh import DATA, MODEL, Mesh
from byheart.models.parameters import Parameter, Parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharding:
    """A mesh, and its devices."""

    mesh: Mesh
    devices: DeviceMesh

    @property
    def windows(self) -> NamedSharding:
        """The sharding of arrays whose first axis is windows."""
        return NamedSharding(self.devices, P(DATA))

    @property
    def platform(self) -> str:
        """JAX's name for the kind of devices: `cpu`, `gpu` or `tpu`."""
        return self.devices.devices.flat[0].platform

    @property
    def has_kernels(self) -> bool:
        """Whether the devices run kernels, which need whole heads and vocabularies."""
        device = self.devices.devices.flat[0]
        generation = find_generation(device.device_kind)
        return device.platform == "tpu" and self.mesh.model == 1 and (generation is None or generation.has_kernels)

    def shard_weights(self, parameter: Parameter) -> NamedSharding:
        """The sharding of a parameter's weights between their uses."""
        return NamedSharding(self.devices, P(*(axes or None for axes in self.mesh.split(parameter))))

    def make_data_spec(self, parameter: Parameter) -> P:
        """The division of a parameter's weights along `data`, as `shard_map` takes it."""
        return P(*(DATA if DATA in axes else None for axes in self.mesh.split(parameter)))

    def gather(self, parameters: Parameters, weights: Any) -> Any:
        """Whole weights, gathered along `data` from all devices; for use inside `shard_map`.

        Args:
            weights: this device's shares of these parameters, of all layers or of one.
        """

        def gather_weight(parameter: Parameter, weight: Array) -> Array:
            from_last = self._find_gathered_dimension(parameter)
            if from_last is None:
                return weight
            return jax.lax.all_gather(weight, DATA, axis=weight.ndim - from_last, tiled=True)

        return jax.tree.map(gather_weight, parameters, weights)

    def look_up(self, parameter: Parameter, table: Array, token_ids: Array) -> Array:
        """The rows [B, T, D] of an embedding table [V, D]; for use inside `shard_map`.

        Where the table is divided along D, each device looks up its columns for the windows of all devices. That moves
        far less data than gathering the table.
        """
        if self._find_gathered_dimension(parameter) is None:
            return table[token_ids]
        columns = table[jax.lax.all_gather(token_ids, DATA, tiled=True)]
        return jax.lax.all_to_all(columns, DATA, split_axis=0, concat_axis=2, tiled=True)

    def _find_gathered_dimension(self, parameter: Parameter) -> int | None:
        """The dimension that is divided over `data`, counted from the last, which is 1; None where none is.

        Counted so, it is the same in a layer's weights and in the stack of all layers.
        """
        split = reversed(self.mesh.split(parameter))
        return next((from_last for from_last, axes in enumerate(split, 1) if DATA in axes), None)


def make_sharding(devices: Sequence[jax.Device], mesh: Mesh) -> Sharding:
    """The sharding of a mesh on the first of `devices`."""
    grid = np.asarray(devices[: mesh.devices]).reshape(mesh.data, mesh.model)
    axis_types = (AxisType.Auto, AxisType.Auto)
    return Sharding(mesh=mesh, devices=DeviceMesh(grid, (DATA, MODEL), axis_types=axis_types))


def use_one_device() -> Sharding:
    """The sharding that puts everything on the first device."""
    return make_sharding(jax.devices(), Mesh(data=1, model=1, gather=False))
