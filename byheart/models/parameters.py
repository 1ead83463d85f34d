"""Every parameter of a decoder, described once: its shape, its logical axes and its tensors in the checkpoint.

The parameters are a tree of plain dicts whose leaves are `Parameter`. `jax.tree.map` makes trees of the same shape from
it, of arrays or of shardings; to JAX a `Parameter` is a leaf.

    {"embed": ..., "final_norm": ..., "head": ..., "layers": {"query": ..., "up": ..., ...}}

Parameters under `layers` are stacked: one array holds those of all layers that have it, and its first axis is the
layer. Matrices are [output, input], as most checkpoints store them; others are transposed when they are loaded. A
tensor of the checkpoint holds one parameter, or several, with its axes joined; so a shard of a parameter is a few
ranges of a tensor's bytes.

    a tensor of its own           view [H, E, D]                 box [:, :, :]
    rows of a fused tensor        view [H + K + K, E, D]         box [H : H + K, :, :]
    fused head by head            view [K, G + 2, E, D]          box [:, G : G + 1, :, :]
    transposed                    view [D, H + K + K, E]         box [:, H : H + K, :]
    a tensor for each expert      view [F, D], X times           box [:, :] of each
    all experts in one tensor     view [X, F + F, D]             box [:, F : F + F, :]
    the same, [input, output]     view [X, D, F + F]             box [:, :, F : F + F], order 0 2 1
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.axes import LAYERS, Axes, list_layer_axes, list_layers, list_model_axes, measure_axes
from byheart.models.decoder_config import DecoderConfig

Parameters = dict[str, Any]
"""A tree of `Parameter`, by the names that the decoder uses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fused:
    """A tensor of the checkpoint that holds several parameters, or one in another layout."""

    tensor: str
    names: tuple[str, ...]
    """The decoder's names for them, in the tensor's order."""
    by_head: bool = False
    """Whether the rows of each kv head, and of its query heads, hold them all, or each row of experts; otherwise all
    rows of a parameter stand together."""
    transposed: bool = False
    """Whether a matrix is [input, output]."""


Source = str | Fused
"""The tensor that holds a parameter; its name has `{layer}`, `{expert}` or `{head}` where each of these has one."""


def fuse_by_head(tensor: str, *names: str) -> dict[str, Source]:
    """The source of each of these parameters: one tensor, whose rows of each kv head hold them all."""
    return dict.fromkeys(names, Fused(tensor=tensor, names=names, by_head=True))


_STACKED = ("{layer}", "{expert}", "{head}")
"""What names of tensors have in place of an index along a parameter's first axes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the model; one that every layer has stands for those of all layers, stacked."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """A logical axis for each dimension: layers, vocab, embed, heads, kv_heads, head_dim, ffn, experts, ..."""
    layers: tuple[int, ...]
    """The layers that have it, in the order of its first axis; none for one outside layers."""
    is_matrix: bool
    """Whether it is multiplied with states as a matrix, unlike norms and biases."""
    source: str
    """The name of its tensor in the checkpoint, with `{layer}`, `{expert}` or `{head}` where there are several."""
    source_shape: tuple[int, ...]
    """The shape of that tensor in the checkpoint."""
    view: tuple[int, ...]
    """The same shape with its axes split."""
    box: tuple[tuple[int, int], ...]
    """For each axis of the view, the half-open range that belongs to this parameter."""
    row_axis: int
    """The axis of the parameter along which the view's first lies."""
    order: tuple[int, ...]
    """The axes of the view in the parameter's order."""

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def layer_axes(self) -> tuple[str, ...]:
        """The axes within one layer."""
        return self.axes[self.axes[0] == LAYERS :]

    @property
    def is_float32(self) -> bool:
        """Whether it stays in float32, whatever the precision: numbers that decide a router's choice."""
        return self.axes == (LAYERS, "experts")

    @property
    def is_transposed(self) -> bool:
        """Whether the checkpoint stores its matrices as [input, output]."""
        return self.is_matrix and self.order[0] != 0

    @property
    def rows(self) -> int:
        """How many rows of the view hold it in each tensor; the parameter may have several for each of these."""
        return self.box[0][1] - self.box[0][0]

    @property
    def stacked(self) -> int:
        """The number of first axes along which each index has a tensor of its own."""
        return sum(name in self.source for name in _STACKED)

    def name_tensors(self) -> dict[tuple[int, ...], str]:
        """The names of the tensors that hold it, by their index along its first axes: the layer, and the expert or
        the head.
        """
        names = [name[1:-1] for name in _STACKED if name in self.source]
        places = [
            self.layers if name == "layer" else range(size) for name, size in zip(names, self.shape, strict=False)
        ]
        indices = itertools.product(*map(range, self.shape[: self.stacked]))
        return {
            index: self.source.format(**{name: place[at] for name, place, at in zip(names, places, index, strict=True)})
            for index in indices
        }

    def count_tensors(self) -> int:
        """The number of tensors that hold it."""
        return math.prod(self.shape[: self.stacked])


def describe_parameters(config: DecoderConfig, sources: Mapping[str, Source]) -> Parameters:
    """The tree of a decoder's parameters.

    Args:
        sources: the tensor that holds each parameter in the family's checkpoints, by the parameter's name.

    Raises:
        ModelError: the family's checkpoints hold no tensor for a parameter.
    """
    model, layer = list_model_axes(config), list_layer_axes(config)
    missing = [name for name in model | layer if name not in sources]
    if missing:
        raise ModelError(
            f"config.json must describe a model without {', '.join(missing)}, found one: it cannot be computed here"
        )
    layers = list_layers(config)
    return {
        **{name: _describe_parameter(name, model, (), measure_axes(config), sources[name]) for name in model},
        LAYERS: {
            name: _describe_parameter(name, layer, layers[name], measure_axes(config, layers[name]), sources[name])
            for name in layer
        },
    }


def leaves(parameters: Parameters) -> Iterator[Parameter]:
    """The parameters of a tree, in its order."""
    for branch in parameters.values():
        yield from leaves(branch) if isinstance(branch, dict) else [branch]


def count_parameters(parameters: Parameters) -> int:
    """The number of elements of all parameters."""
    return sum(parameter.size for parameter in leaves(parameters))


def _describe_parameter(
    name: str, axes: Mapping[str, Axes], layers: tuple[int, ...], sizes: Mapping[str, int], source: Source
) -> Parameter:
    fused = Fused(tensor=source, names=(name,)) if isinstance(source, str) else source
    stacked = sum(mark in fused.tensor for mark in _STACKED)

    def measure(axis_names: str, first: int = 0) -> tuple[int, ...]:
        return tuple(sizes[axis] for axis in axis_names.split()[first:])

    names = [axes[other][0].split()[stacked:] for other in fused.names]
    leading = all(output[0] == "experts" and len(output) > 1 for output in names)  # one tensor holds all experts
    outputs = [measure(" ".join(output), int(leading)) for output in names]
    index, inputs = fused.names.index(name), measure(axes[name][1])
    counts = [output[0] for output in outputs]
    start, stop = sum(counts[:index]), sum(counts[: index + 1])
    rows: tuple[int, ...]
    if fused.by_head:
        heads = min(counts)
        rows, box = (heads, sum(counts) // heads), [(0, heads), (start // heads, stop // heads)]
    else:
        rows, box = (sum(counts),), [(start, stop)]
    rows += outputs[index][1:]
    box += [(0, side) for side in outputs[index][1:]]
    whole = [(0, side) for side in inputs]
    # A convolution's tensor keeps an axis of its own for the one channel that each kernel reads.
    joined = inputs if axes[name][1].startswith("one ") else (math.prod(inputs),) * bool(inputs)
    sides = [sum(map(math.prod, outputs)), *joined]
    transposed = fused.transposed and bool(inputs)
    lead = (sizes["experts"],) * leading
    order = list(range(len(lead) + len(rows) + len(inputs)))
    if transposed:
        order = [*order[: len(lead)], *order[len(lead) + len(inputs) :], *order[len(lead) :][: len(inputs)]]
    return Parameter(
        shape=measure(" ".join(axes[name])),
        axes=tuple(" ".join(axes[name]).split()),
        layers=layers,
        is_matrix=bool(inputs),
        source=fused.tensor,
        source_shape=(*lead, *(reversed(sides) if transposed else sides)),
        view=(*lead, *(inputs + rows if transposed else rows + inputs)),
        box=(*((0, side) for side in lead), *(whole + box if transposed else box + whole)),
        order=tuple(order),
        row_axis=stacked + (len(outputs[index]) if transposed and not leading else 0),
    )
