"""Every parameter of a decoder, described once: its shape, its logical axes and where the checkpoint keeps it.

They are a tree: plain dicts, whose leaves are `Parameter`. Arrays and shardings are trees of the same shape, made of
this one by `jax.tree.map`, to which a `Parameter` is a leaf; sums are made over its `leaves`.

    {"embed": ..., "final_norm": ..., "head": ..., "layers": {"query": ..., "up": ..., ...}}

What lies under `layers` is stacked: one array for all layers, whose first axis is the layer. Matrices are
[output, input], as Hugging Face stores them, and never transposed: a tensor of the checkpoint is a parameter with its
axes joined, or holds several, so that a shard of a parameter is a few ranges of bytes of each.

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
"""The part of the tree that every layer has, and the first axis of what lies there."""

Parameters = dict[str, Any]
"""A tree of `Parameter`, by the names that the decoder uses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fused:
    """A tensor of the checkpoint that holds several parameters."""

    tensor: str
    parts: tuple[str, ...]
    """The decoder's names for them, in their order."""
    by_head: bool = False
    """Whether they take turns within each head; else one run of rows follows the other."""


Source = str | Fused
"""Where a checkpoint keeps a parameter: a tensor's name, with `{layer}` in a layer's and `{expert}` in an expert's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the whole model, or one of each layer, those of all layers stacked."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """A logical axis for each dimension: layers, vocab, embed, heads, kv_heads, head_dim, ffn, experts."""
    source: str
    """The name of its tensor in the checkpoint, with `{layer}` and `{expert}` where each has its own."""
    source_shape: tuple[int, ...]
    """The shape of that tensor in the checkpoint."""
    view: tuple[int, ...]
    """The same with its axes split."""
    box: tuple[tuple[int, int], ...]
    """The half-open range of each of the view's axes that belongs to this parameter."""

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def layer_axes(self) -> tuple[str, ...]:
        """The axes that it has within one layer."""
        return self.axes[self.axes[0] == LAYERS :]

    @property
    def is_matrix(self) -> bool:
        """Whether states are multiplied with it: norms and biases are only added or scaled by."""
        return len(self.layer_axes) > 1 and "embed" in self.axes

    def tensors(self) -> dict[tuple[int, ...], str]:
        """The names of the tensors that hold it, by their place along its first axes: the layer, and the expert."""
        own = [name for name in ("layer", "expert") if f"{{{name}}}" in self.source]
        places = itertools.product(*map(range, self.shape[: len(own)]))
        return {place: self.source.format(**dict(zip(own, place, strict=True))) for place in places}


def parameters(config: DecoderConfig, sources: Mapping[str, Source]) -> Parameters:
    """The parameters of a decoder.

    Args:
        sources: where the checkpoint keeps each of them, by name; a family's own.

    Raises:
        ModelError: the family's checkpoints have no place for one of them.
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
    model, layer = _model_axes(config), _layer_axes(config)
    homeless = [name for name in model | layer if name not in sources]
    if homeless:
        raise ModelError(
            f"config.json must describe a model without {', '.join(homeless)}, found one: it cannot be computed here"
        )
    return {
        **{name: _parameter(name, model, sizes, sources[name]) for name in model},
        LAYERS: {name: _parameter(name, layer, sizes, sources[name]) for name in layer},
    }


def leaves(parameters: Parameters) -> Iterator[Parameter]:
    """Each parameter of a tree, in their order."""
    for held in parameters.values():
        yield from leaves(held) if isinstance(held, dict) else [held]


def count_parameters(parameters: Parameters) -> int:
    """Elements of all of them."""
    return sum(parameter.size for parameter in leaves(parameters))


_Axes = tuple[str, str]
"""The names of a parameter's output axes and of its input axes, with spaces between."""


def _model_axes(config: DecoderConfig) -> dict[str, _Axes]:
    axes = {"embed": ("vocab", "embed")} | _norm_axes(config, "final_norm")
    return axes if config.tied_head else axes | {"head": ("vocab", "embed")}


def _layer_axes(config: DecoderConfig) -> dict[str, _Axes]:
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
    for when, wanted in (("norm", config.pre_norm), ("post_norm", config.post_norm)):
        if wanted:
            axes |= _norm_axes(config, f"attention_{when}") | _norm_axes(config, f"mlp_{when}")
    if config.query_key_norm:
        width = config.query_key_norm == "width"
        axes["query_norm"] = ("heads head_dim" if width else "head_dim", "")
        axes["key_norm"] = ("kv_heads head_dim" if width else "head_dim", "")
    return {name: (f"{LAYERS} {outputs}", inputs) for name, (outputs, inputs) in axes.items()}


def _norm_axes(config: DecoderConfig, name: str) -> dict[str, _Axes]:
    names = (name, f"{name}_bias") if config.norm == "layer" else (name,)
    return dict.fromkeys(names, ("embed", ""))


def _parameter(name: str, axes: Mapping[str, _Axes], sizes: Mapping[str, int], source: Source) -> Parameter:
    fused = Fused(tensor=source, parts=(name,)) if isinstance(source, str) else source
    stack = "layers " * ("{layer}" in fused.tensor) + "experts " * ("{expert}" in fused.tensor)

    def shape(names: str) -> tuple[int, ...]:
        return tuple(sizes[axis] for axis in names.split())

    outputs = [shape(axes[part][0].removeprefix(stack)) for part in fused.parts]
    rows = [output[0] for output in outputs]
    place = fused.parts.index(name)
    within = (*outputs[place][1:], *shape(axes[name][1]))
    if fused.by_head:
        view = (rows[0], len(rows), *within)
        box = [(0, rows[0]), (place, place + 1)]
    else:
        start = sum(rows[:place])
        view = (sum(rows), *within)
        box = [(start, start + rows[place])]
    columns = (math.prod(shape(axes[name][1])),) if axes[name][1] else ()
    return Parameter(
        shape=shape(" ".join(axes[name])),
        axes=tuple(" ".join(axes[name]).split()),
        source=fused.tensor,
        source_shape=(sum(math.prod(output) for output in outputs), *columns),
        view=view,
        box=(*box, *((0, side) for side in within)),
    )
