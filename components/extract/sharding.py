"""Where parameters and windows lie on a mesh of devices.

    axis     data    windows are divided over it; weights too, where they are gathered layer by layer
             model   each matrix is divided over it (tensor parallel), by heads, ffn or vocabulary

The axis `data` is handled by hand, inside `shard_map`: what moves along it is written in this file. The axis `model` is
left to the compiler, which follows the parameters.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from components.models.parameters import Parameter

DATA, MODEL = "data", "model"
_MODEL_AXES = ("heads", "kv_heads", "ffn", "vocab")
"""The logical axes that tensor parallelism divides."""
_GATHERED_AXIS = "embed"
"""The logical axis that is divided at rest, and gathered for use."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharding:
    """A mesh, and whether weights are gathered layer by layer."""

    mesh: Mesh
    gather: bool

    @property
    def windows(self) -> NamedSharding:
        """Of arrays whose first axis is windows."""
        return NamedSharding(self.mesh, P(DATA))

    def at_rest(self, parameter: Parameter, *, stacked: bool) -> NamedSharding:
        """Of a parameter, or of one that is stacked with those of the other layers."""
        divided = {_GATHERED_AXIS: DATA} if self._gathered(parameter) else {}
        if self.mesh.shape[MODEL] > 1:
            divided |= dict.fromkeys(_MODEL_AXES, MODEL)
        return NamedSharding(self.mesh, P(*[None] * stacked, *map(divided.get, parameter.axes)))

    def by_hand(self, parameter: Parameter, *, stacked: bool) -> P:
        """The same as far as `shard_map` is told: along `data` alone."""
        divided = {_GATHERED_AXIS: DATA} if self._gathered(parameter) else {}
        return P(*[None] * stacked, *map(divided.get, parameter.axes))

    def whole(self, parameters: Mapping[str, Parameter], weights: Mapping[str, Array]) -> dict[str, Array]:
        """Each weight with what other devices hold of it along `data`; inside `shard_map`."""
        return {
            name: jax.lax.all_gather(weight, DATA, axis=parameters[name].axes.index(_GATHERED_AXIS), tiled=True)
            if self._gathered(parameters[name])
            else weight
            for name, weight in weights.items()
        }

    def look_up(self, parameter: Parameter, table: Array, token_ids: Array) -> Array:
        """The rows [B, T, D] of an embedding table; inside `shard_map`.

        Of a table that is divided along D, each device looks up its columns for the windows of all: a small part of
        what gathering the table would move.
        """
        if not self._gathered(parameter):
            return table[token_ids]
        columns = table[jax.lax.all_gather(token_ids, DATA, tiled=True)]
        return jax.lax.all_to_all(columns, DATA, split_axis=0, concat_axis=2, tiled=True)

    def _gathered(self, parameter: Parameter) -> bool:
        """Whether it is divided over `data`: matrices are, vectors are not worth it."""
        divided = self.gather and self.mesh.shape[DATA] > 1
        return divided and len(parameter.axes) > 1 and _GATHERED_AXIS in parameter.axes


def make_sharding(devices: Sequence[jax.Device], data: int, model: int, *, gather: bool) -> Sharding:
    """The mesh of the first data x model devices."""
    grid = np.asarray(devices[: data * model]).reshape(data, model)
    return Sharding(mesh=Mesh(grid, (DATA, MODEL), axis_types=(AxisType.Auto, AxisType.Auto)), gather=gather)
