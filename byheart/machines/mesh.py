"""Devices as a grid of `data` x `model`, and how weights and windows are divided over it.

replicated, 4x1:    every device has all weights and a quarter of the windows
gathered, 4x1:      every device has a quarter of each layer, fetches the other quarters when the layer is computed,
                    and has a quarter of the windows
tensor parallel,    the two devices of a row have half of each layer and the same windows, and add up their results;
2x2:                the two rows have the same weights, and half of the windows each
"""

import dataclasses

from byheart.models.axes import LAYERS
from byheart.models.parameters import Parameter

DATA, MODEL = "data", "model"
TENSOR_PARALLEL = ("heads", "kv_heads", "attended", "ffn", "expert_ffn", "shared_ffn", "vocab")
"""Logical axes that `model` splits: the elements along them are computed independently."""

Split = tuple[tuple[str, ...], ...]
"""For each dimension of a parameter, the mesh axes that split it; empty where the dimension is whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mesh:
    """The mesh axes' sizes, and whether weights are gathered layer by layer."""

    data: int
    model: int
    gather: bool
    """Whether weights are split over all devices and gathered layer by layer; otherwise they are whole along `data`."""

    @property
    def devices(self) -> int:
        """The number of devices."""
        return self.data * self.model

    @property
    def window_shards(self) -> int:
        """The number of shares into which a batch of windows is divided."""
        return self.devices if self.gather else self.data

    def split(self, parameter: Parameter) -> Split:
        """The mesh axes that split each dimension of a parameter between its uses.

        Vectors (norms, biases) and the table of positions are whole everywhere: they are small, and gathering them
        costs more than it saves. An axis along which each index has a tensor of its own is whole too; the layers' axis
        also because layers are computed one after the other. The vocabulary's axis is split only by `model`, since a
        lookup needs whole rows on every device. The axis of a tensor's rows is split where its rows are.
        """
        whole: Split = ((),) * len(parameter.axes)
        if len(parameter.layer_axes) < 2 or "positions" in parameter.axes:
            return whole
        axes: tuple[str, ...]
        if self.gather:
            axes, shares = (DATA, MODEL), self.devices
            candidates = [dimension for dimension, axis in enumerate(parameter.axes) if axis not in ("vocab", LAYERS)]
        else:
            axes, shares = (MODEL,), self.model
            candidates = [dimension for dimension, axis in enumerate(parameter.axes) if axis in TENSOR_PARALLEL]
            candidates += [parameter.axes.index("embed")] if "vocab" in parameter.axes else []
        for dimension in candidates:
            elements = parameter.rows if dimension == parameter.row_axis else parameter.shape[dimension]
            if shares > 1 and dimension >= parameter.stacked and elements % shares == 0:
                return (*whole[:dimension], axes, *whole[dimension + 1 :])
        return whole

    def count_local_elements(self, parameter: Parameter) -> int:
        """The number of a parameter's elements that each device holds between its uses."""
        if not any(self.split(parameter)):
            return parameter.size
        return parameter.size // (self.devices if self.gather else self.model)
