"""Every parameter of a decoder, described once: its shape, its logical axes and its name in the checkpoint.

A parameter is the checkpoint's tensor with its axes split, never transposed: matrices stay [output, input], as Hugging
Face stores them, so that a shard of a parameter is a slice of a file.
"""

import dataclasses
import math
from collections.abc import Mapping

from components.models.decoder_config import DecoderConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of one layer, or of the whole model."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """A logical axis for each dimension: vocab, embed, heads, kv_heads, head_dim, ffn."""
    source: str
    """The tensor's name in the checkpoint, with `{layer}` in a layer's."""
    source_shape: tuple[int, ...]
    """The tensor's shape in the checkpoint."""

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)


def parameters(config: DecoderConfig, sources: Mapping[str, str]) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
    """The parameters of the whole model, and those of each layer, by the name that the decoder uses.

    Args:
        sources: the tensor's name in the checkpoint, for each of those names; a family's own.
    """
    sizes = {
        "vocab": config.vocab,
        "embed": config.embed,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "ffn": config.ffn,
    }

    def describe(name: str, outputs: str, inputs: str = "") -> Parameter:
        output_axes, input_axes = tuple(outputs.split()), tuple(inputs.split())
        sides = [math.prod(sizes[axis] for axis in side) for side in (output_axes, input_axes) if side]
        axes = output_axes + input_axes
        return Parameter(
            shape=tuple(sizes[axis] for axis in axes), axes=axes, source=sources[name], source_shape=tuple(sides)
        )

    model = {"embed": ("vocab", "embed"), "final_norm": ("embed",)}
    if not config.tied_head:
        model["head"] = ("vocab", "embed")
    layer = {
        "attention_norm": ("embed",),
        "query": ("heads head_dim", "embed"),
        "key": ("kv_heads head_dim", "embed"),
        "value": ("kv_heads head_dim", "embed"),
        "output": ("embed", "heads head_dim"),
        "mlp_norm": ("embed",),
        "gate": ("ffn", "embed"),
        "up": ("ffn", "embed"),
        "down": ("embed", "ffn"),
    }
    biased = ("query", "key", "value", "output") * config.attention_bias + ("gate", "up", "down") * config.mlp_bias
    layer |= {f"{name}_bias": layer[name][:1] for name in biased}
    return (
        {name: describe(name, *sides) for name, sides in model.items()},
        {name: describe(name, *sides) for name, sides in layer.items()},
    )


def parameter_count(model: Mapping[str, Parameter], layer: Mapping[str, Parameter], layers: int) -> int:
    """Elements of all parameters of a decoder with `layers` layers."""
    return sum(p.size for p in model.values()) + layers * sum(p.size for p in layer.values())
