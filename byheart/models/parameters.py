"""Every parameter of a decoder, described once: its shape, its logical axes and its tensors in the checkpoint.

The parameters are a tree of plain dicts whose leaves are `Parameter`. `jax.tree.map` makes trees of the same shape from
it, of arrays or of shardings; to JAX a `Parameter` is a leaf.

    {"embed": ..., "final_norm": ..., "head": ..., "layers": {"query": ..., "up": ..., ...}}

Parameters under `layers` are stacked: one array holds those of all layers, and its first axis is the layer. Matrices
are [output, input], as Hugging Face stores all but GPT-2's, which are transposed when they are loaded. A tensor of the
checkpoint holds one parameter, or several, with its axes joined; so a shard of a parameter is a few ranges of a
tensor's bytes.

    a tensor of its own           view [H, E, D]                 box [:, :, :]
    rows of a fused tensor        view [H + K + K, E, D]         box [H : H + K, :, :]
    fused head by head            view [K, G + 2, E, D]          box [:, G : G + 1, :, :]
    transposed                    view [D, H + K + K, E]         box [:, H : H + K, :]
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
    """A tensor of the checkpoint that holds several parameters, or one in another layout."""

    tensor: str
    names: tuple[str, ...]
    """The decoder's names for them, in the tensor's order."""
    by_head: bool = False
    """Whether the rows of each kv head, and of its query heads, hold them all; otherwise all rows of a parameter stand
    together."""
    transposed: bool = False
    """Whether a matrix is [input, output]."""


Source = str | Fused
"""The tensor that holds a parameter; its name has `{layer}`, `{expert}` or `{head}` where each of these has one."""
_STACKED = ("{layer}", "{expert}", "{head}")
"""What names of tensors have in place of an index along a parameter's first axes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the model; one that every layer has stands for those of all layers, stacked."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """A logical axis for each dimension: layers, vocab, embed, heads, kv_heads, head_dim, ffn, experts."""
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
        indices = itertools.product(*map(range, self.shape[: self.stacked]))
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
        "positions": config.max_positions,
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
    if config.learned_positions:
        axes["positions"] = ("positions", "embed")
    if not config.tied_head:
        axes["head"] = ("vocab", "embed")
    if "head" in config.biases:
        axes["head_bias"] = ("vocab", "")
    return axes


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
    axes = dict(projections)
    if config.experts:
        axes["router"] = ("experts", "embed")
    for kind, is_there in (("norm", config.pre_norm), ("post_norm", config.post_norm)):
        if is_there:
            axes |= _list_norm_axes(config, f"attention_{kind}")
            if not config.shared_norm:
                axes |= _list_norm_axes(config, f"mlp_{kind}")
    if config.query_key_norm:
        heads = "" if config.query_key_norm == "head" else "heads "
        axes |= {"query_norm": (f"{heads}head_dim", ""), "key_norm": (f"{heads and 'kv_heads '}head_dim", "")}
    axes |= {f"{name}_bias": (axes[name][0], "") for name in sorted(config.biases - {"head"})}
    return {name: (f"{LAYERS} {outputs}", inputs) for name, (outputs, inputs) in axes.items()}


def _list_norm_axes(config: DecoderConfig, name: str) -> dict[str, _Axes]:
    names = (name, f"{name}_bias") if config.norm_bias else (name,)
    return dict.fromkeys(names, ("embed", ""))


def _describe_parameter(name: str, axes: Mapping[str, _Axes], sizes: Mapping[str, int], source: Source) -> Parameter:
    fused = Fused(tensor=source, names=(name,)) if isinstance(source, str) else source
    stacked = sum(mark in fused.tensor for mark in _STACKED)

    def measure(axis_names: str, first: int = 0) -> tuple[int, ...]:
        return tuple(sizes[axis] for axis in axis_names.split()[first:])

    outputs = [measure(axes[other][0], stacked) for other in fused.names]
    index, inputs = fused.names.index(name), measure(axes[name][1])
    rows = [output[0] for output in outputs]
    start, stop = sum(rows[:index]), sum(rows[: index + 1])
    if fused.by_head:
        heads = min(rows)
        view, box = (heads, sum(rows) // heads), [(0, heads), (start // heads, stop // heads)]
    else:
        view, box = (sum(rows),), [(start, stop)]
    view += outputs[index][1:]
    box += [(0, side) for side in outputs[index][1:]]
    whole = [(0, side) for side in inputs]
    sides = [sum(map(math.prod, outputs)), *[math.prod(inputs)] * bool(inputs)]
    return Parameter(
        shape=measure(" ".join(axes[name])),
        axes=tuple(" ".join(axes[name]).split()),
        source=fused.tensor,
        source_shape=tuple(reversed(sides) if fused.transposed else sides),
        view=inputs + view if fused.transposed else view + inputs,
        box=tuple(whole + box if fused.transposed else box + whole),
        row_axis=stacked + (len(outputs[index]) if fused.transposed else 0),
    )
