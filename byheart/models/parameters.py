"""Every parameter of a decoder, described once: its shape, its logical axes and its tensors in the checkpoint.

The parameters are a tree of plain dicts whose leaves are `Parameter`. `jax.tree.map` makes trees of the same shape from
it, of arrays or of shardings; to JAX a `Parameter` is a leaf.

    {"embed": ..., "final_norm": ..., "head": ..., "layers": {"query": ..., "up": ..., ...}}

Parameters under `layers` are stacked: one array holds those of all layers, and its first axis is the layer. Matrices
are [output, input], as Hugging Face stores them, and never transposed. A tensor of the checkpoint holds one parameter,
or several, with its axes joined; so a shard of a parameter is a few ranges of a tensor's bytes.

    a tensor of its own           view [H, E, D]                 box [:, :, :]
    rows of a fused tensor        view [H + K + K, E, D]         box [H : H + K, :, :]
    fused head by head            view [H, 3, E, D]              box [:, 1 : 2, :, :]
    a tensor for each expert      view [F, D], X times           box [:, :] of each
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import DecoderConfig

LAYERS = "layers"
"""The subtree of the layers' parameters, and the name of their first axis."""

Parameters = dict[str, Any]
"""A tree of `Parameter`, by the names that the decoder uses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fused:
    """A tensor of the checkpoint that holds several parameters."""

    tensor: str
    names: tuple[str, ...]
    """The decoder's names for them, in the tensor's order."""
    by_head: bool = False
    """Whether each head's rows hold them all; otherwise all rows of a parameter stand together."""


Source = str | Fused
"""The tensor that holds a parameter; its name has `{layer}` where each layer, `{expert}` where each expert has one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the model; one that every layer has stands for those of all layers, stacked."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """A logical axis for each dimension: layers, vocab, embed, heads, kv_heads, head_dim, ffn, experts."""
    source: str
    """The name of its tensor in the checkpoint, with `{layer}` or `{expert}` where there are several."""
    source_shape: tuple[int, ...]
    """The shape of that tensor in the checkpoint."""
    view: tuple[int, ...]
    """The same shape with its axes split."""
    box: tuple[tuple[int, int], ...]
    """For each axis of the view, the half-open range that belongs to this parameter."""

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def layer_axes(self) -> tuple[str, ...]:
        """The axes within one layer."""
        return self.axes[self.axes[0] == LAYERS :]

    @property
    def is_matrix(self) -> bool:
        """Whether it is multiplied with states as a matrix, unlike norms and biases."""
        return len(self.layer_axes) > 1 and "embed" in self.axes

    def name_tensors(self) -> dict[tuple[int, ...], str]:
        """The names of the tensors that hold it, by their index along its first axes: the layer, and the expert."""
        names = [name for name in ("layer", "expert") if f"{{{name}}}" in self.source]
        indices = itertools.product(*map(range, self.shape[: len(names)]))
        return {index: self.source.format(**dict(zip(names, index, strict=True))) for index in indices}


def describe_parameters(config: DecoderConfig, sources: Mapping[str, Source]) -> Parameters:
    """The tree of a decoder's parameters.

    Args:
        sources: the tensor that holds each parameter in the family's checkpoints, by the parameter's name.

    Raises:
        ModelError: the family's checkpoints hold no tensor for a parameter.
    """
    sizes = {
        "layers": config.layers,
        "vocab": config.vocab,
        "embed": config.embed,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "ffn": config.ffn,
        "experts": config.experts,
    }
    model, layer = _list_model_axes(config), _list_layer_axes(config)
    missing = [name for name in model | layer if name not in sources]
    if missing:
        raise ModelError(
            f"config.json must describe a model without {', '.join(missing)}, found one: it cannot be computed here"
        )
    return {
        **{name: _describe_parameter(name, model, sizes, sources[name]) for name in model},
        LAYERS: {name: _describe_parameter(name, layer, sizes, sources[name]) for name in layer},
    }


def leaves(parameters: Parameters) -> Iterator[Parameter]:
    """The parameters of a tree, in its order."""
    for branch in parameters.values():
        yield from leaves(branch) if isinstance(branch, dict) else [branch]


def count_parameters(parameters: Parameters) -> int:
    """The number of elements of all parameters."""
    return sum(parameter.size for parameter in leaves(parameters))


_Axes = tuple[str, str]
"""The names of a parameter's output axes and of its input axes, separated by spaces."""


def _list_model_axes(config: DecoderConfig) -> dict[str, _Axes]:
    axes = {"embed": ("vocab", "embed")} | _list_norm_axes(config, "final_norm")
    return axes if config.tied_head else axes | {"head": ("vocab", "embed")}


def _list_layer_axes(config: DecoderConfig) -> dict[str, _Axes]:
    expert = "experts " if config.experts else ""
    projections = {
        "query": ("heads head_dim", "embed"),
        "key": ("kv_heads head_dim", "embed"),
        "value": ("kv_heads head_dim", "embed"),
        "output": ("embed", "heads head_dim"),
        "gate": (f"{expert}ffn", "embed"),
        "up": (f"{expert}ffn", "embed"),
        "down": (f"{expert}embed", "ffn"),
    }
    if not config.gated:
        del projections["gate"]
    axes = projections | {f"{name}_bias": (projections[name][0], "") for name in sorted(config.biases)}
    if config.experts:
        axes["router"] = ("experts", "embed")
    for kind, is_there in (("norm", config.pre_norm), ("post_norm", config.post_norm)):
        if is_there:
            axes |= _list_norm_axes(config, f"attention_{kind}")
            if not config.shared_norm:
                axes |= _list_norm_axes(config, f"mlp_{kind}")
    if config.query_key_norm:
        width = config.query_key_norm == "width"
        axes["query_norm"] = ("heads head_dim" if width else "head_dim", "")
        axes["key_norm"] = ("kv_heads head_dim" if width else "head_dim", "")
    return {name: (f"{LAYERS} {outputs}", inputs) for name, (outputs, inputs) in axes.items()}


def _list_norm_axes(config: DecoderConfig, name: str) -> dict[str, _Axes]:
    names = (name, f"{name}_bias") if config.norm_bias else (name,)
    return dict.fromkeys(names, ("embed", ""))


def _describe_parameter(name: str, axes: Mapping[str, _Axes], sizes: Mapping[str, int], source: Source) -> Parameter:
    fused = Fused(tensor=source, names=(name,)) if isinstance(source, str) else source
    stack = "layers " * ("{layer}" in fused.tensor) + "experts " * ("{expert}" in fused.tensor)

    def measure(axis_names: str) -> tuple[int, ...]:
        return tuple(sizes[axis] for axis in axis_names.split())

    outputs = [measure(axes[other][0].removeprefix(stack)) for other in fused.names]
    rows = [output[0] for output in outputs]
    index = fused.names.index(name)
    row_shape = (*outputs[index][1:], *measure(axes[name][1]))
    if fused.by_head:
        view = (rows[0], len(rows), *row_shape)
        box = [(0, rows[0]), (index, index + 1)]
    else:
        start = sum(rows[:index])
        view = (sum(rows), *row_shape)
        box = [(start, start + rows[index])]
    columns = (math.prod(measure(axes[name][1])),) if axes[name][1] else ()
    return Parameter(
        shape=measure(" ".join(axes[name])),
        axes=tuple(" ".join(axes[name]).split()),
        source=fused.tensor,
        source_shape=(sum(math.prod(output) for output in outputs), *columns),
        view=view,
        box=(*box, *((0, side) for side in row_shape)),
    )
