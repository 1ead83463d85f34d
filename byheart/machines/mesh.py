"""Devices as a grid of `data` x `model`, and how weights and windows are laid over it.

replicated, 4x1:    every device has all weights and a quarter of the windows
gathered, 4x1:      every device has a quarter of each layer, fetches the rest when it is its turn, and has a
                    quarter of the windows
tensor parallel,    the two devices of a row have half of each layer and the same windows, and add up what they
2x2:                make; the two rows have the same weights, and half of the windows each
"""

import dataclasses

from byheart.models.parameters import LAYERS, Parameter

DATA, MODEL = "data", "model"
TENSOR_PARALLEL = ("heads", "kv_heads", "ffn", "vocab")
"""Logical axes that `model` splits: what lies along them can be computed apart."""

Split = tuple[tuple[str, ...], ...]
"""For each dimension of a parameter the mesh axes that split it, none where it is whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mesh:
    """The mesh axes' sizes, and whether weights are gathered layer by layer."""

    data: int
    model: int
    gather: bool
    """Weights are split over all devices, and a layer's are gathered when it is its turn; else they are whole along
    `data`."""

    @property
    def devices(self) -> int:
        """The number of devices."""
        return self.data * self.model

    @property
    def window_shards(self) -> int:
        """The number of devices, or rows of devices, that have windows of their own."""
        return self.devices if self.gather else self.data

    def split(self, parameter: Parameter) -> Split:
        """The mesh axes that split each dimension of a parameter at rest.

        Vectors (norms, biases) are whole everywhere: they are small, and gathering them costs more than it saves. The
        axis of the layers is whole, since they are computed one after the other, and that of the vocabulary is split
        only by `model`, since a lookup wants whole rows from every device.
        """
        whole: Split = ((),) * len(parameter.axes)
        if len(parameter.layer_axes) < 2:
            return whole
        axes: tuple[str, ...]
        if self.gather:
            axes, parts = (DATA, MODEL), self.devices
            candidates = [place for place, axis in enumerate(parameter.axes) if axis not in ("vocab", LAYERS)]
        else:
            axes, parts = (MODEL,), self.model
            candidates = [place for place, axis in enumerate(parameter.axes) if axis in TENSOR_PARALLEL]
            candidates += [parameter.axes.index("embed")] if "vocab" in parameter.axes else []
        for place in candidates:
            if parts > 1 and parameter.shape[place] % parts == 0:
                return (*whole[:place], axes, *whole[place + 1 :])
        return whole

    def share(self, parameter: Parameter) -> int:
        """The number of a parameter's elements that each device holds at rest."""
        if not any(self.split(parameter)):
            return parameter.size
        return parameter.size // (self.devices if self.gather else self.model)
