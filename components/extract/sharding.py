"""Where parameters and windows lie on the devices, as a `Mesh` on paper says.

The axis `data` is handled by hand, inside `shard_map`: what moves along it is written in this file. The axis `model` is
left to the compiler, which follows the parameters.
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

from byheart.machines.mesh import DATA, MODEL, Mesh
from byheart.models.parameters import Parameter, Parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharding:
    """A mesh on paper, and the devices that it is."""

    paper: Mesh
    devices: DeviceMesh

    @property
    def windows(self) -> NamedSharding:
        """Of arrays whose first axis is windows."""
        return NamedSharding(self.devices, P(DATA))

    @property
    def platform(self) -> str:
        """What JAX calls the kind of machine: `cpu`, `gpu` or `tpu`."""
        return self.devices.devices.flat[0].platform

    def at_rest(self, parameter: Parameter) -> NamedSharding:
        """Of a parameter, between its uses."""
        return NamedSharding(self.devices, P(*(axes or None for axes in self.paper.split(parameter))))

    def by_hand(self, parameter: Parameter) -> P:
        """The same as far as `shard_map` is told: along `data` alone."""
        return P(*(DATA if DATA in axes else None for axes in self.paper.split(parameter)))

    def gather(self, parameters: Parameters, weights: Any) -> Any:
        """Weights [..., D], each with what other devices hold of it along `data`; inside `shard_map`.

        Args:
            weights: the arrays of these parameters, of all layers or of one.
        """

        def gathered(parameter: Parameter, weight: Array) -> Array:
            place = self._from_the_end(parameter)
            return weight if place is None else jax.lax.all_gather(weight, DATA, axis=weight.ndim - place, tiled=True)

        return jax.tree.map(gathered, parameters, weights)

    def look_up(self, parameter: Parameter, table: Array, token_ids: Array) -> Array:
        """The rows [B, T, D] of an embedding table [V, D]; inside `shard_map`.

        Of a table that is divided along D, each device looks up its columns for the windows of all: a small part of
        what gathering the table would move.
        """
        if self._from_the_end(parameter) is None:
            return table[token_ids]
        columns = table[jax.lax.all_gather(token_ids, DATA, tiled=True)]
        return jax.lax.all_to_all(columns, DATA, split_axis=0, concat_axis=2, tiled=True)

    def _from_the_end(self, parameter: Parameter) -> int | None:
        """The dimension that is divided over `data`, if any: 1 is the last, in a layer and in the stack of all."""
        split = reversed(self.paper.split(parameter))
        return next((place for place, axes in enumerate(split, 1) if DATA in axes), None)


def make_sharding(devices: Sequence[jax.Device], mesh: Mesh) -> Sharding:
    """The mesh on the first of these devices."""
    grid = np.asarray(devices[: mesh.devices]).reshape(mesh.data, mesh.model)
    named = DeviceMesh(grid, (DATA, MODEL), axis_types=(AxisType.Auto, AxisType.Auto))
    return Sharding(paper=mesh, devices=named)


def one_device() -> Sharding:
    """All on the first device."""
    return make_sharding(jax.devices(), Mesh(data=1, model=1, gather=False))
