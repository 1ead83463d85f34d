"""What a GGUF file says of its model: the fields of its architecture, and the shapes of its tensors.

llama.cpp writes the same fields for all architectures, after the name of each: `llama.block_count`.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from byheart.components.download.gguf.header import GgufFile
from byheart.models.families.fields import Fields
from byheart.models.families.shape import MOST_LAYERS

_MOST = 2**31 - 1


class Metadata:
    """The fields of one architecture, named without it; errors name the whole field.

    Args:
        architecture: what fields begin with.
    """

    def __init__(self, gguf: GgufFile, architecture: str) -> None:
        self.gguf, self._prefix = gguf, f"{architecture}."
        values = {name: value for name, value in gguf.fields.items() if name.startswith(self._prefix)}
        self.fields = Fields(values, gguf.path)
        blocks, further = (
            self.integer("block_count", most=MOST_LAYERS),
            self.integer("nextn_predict_layers", 0, least=0),
        )
        self._blocks = blocks
        self.layers = blocks - min(further, blocks - 1)
        """Without those that predict further tokens, which transformers leaves out too."""
        self.heads = self.integer("attention.head_count")
        self.kv_heads = self.integer("attention.head_count_kv", self.heads)
        self.embed = self.integer("embedding_length")
        self.head_dim = self.integer("attention.key_length", max(self.embed // self.heads, 1))

    def integer(self, name: str, default: int | None = None, *, least: int = 1, most: int = _MOST) -> int:
        """The field's integer."""
        return self.fields.integer(self._prefix + name, default, least=least, most=most)

    def number(self, name: str, default: float | None = None) -> float:
        """The field's number, above 0."""
        return self.fields.number(self._prefix + name, default)

    def number_or_none(self, name: str) -> float | None:
        """The field's number, above 0; None if it is missing."""
        return self.fields.number_or_none(self._prefix + name)

    def boolean(self, name: str, default: bool) -> bool:
        """The field's truth value."""
        return self.fields.boolean(self._prefix + name, default)

    def word(self, name: str, words: Collection[str], default: str) -> str:
        """The field's word, one of `words`."""
        return self.fields.word(self._prefix + name, words, default)

    def require(self, name: str, value: str | float) -> None:
        """Refuse any other value of the field; a field that is missing passes."""
        self.fields.require(self._prefix + name, value)

    def list(self, name: str, kind: type) -> tuple[Any, ...] | None:
        """The field's values, one for each layer; None if it is missing. Those of left out layers may follow.

        Raises:
            ModelError: it is no list of that kind, or of another length.
        """
        values = self.fields.value(self._prefix + name)
        if values is None:
            return None
        if (
            not isinstance(values, tuple)
            or len(values) not in (self.layers, self._blocks)
            or any(type(each) is not kind for each in values)
        ):
            self.gguf.refuse(
                f"have {self._prefix}{name} as a {kind.__name__} for each of {self.layers} layers",
                "another value",
                "fetch it again",
            )
        return values[: self.layers]

    def is_list(self, name: str) -> bool:
        """Whether the field has several values."""
        return isinstance(self.fields.value(self._prefix + name), tuple)

    def refuse_unknown_fields(self, *without_effect: str) -> None:
        """Refuse fields that were not read and may change a score."""
        self.fields.refuse_unknown_fields(*(self._prefix + name for name in without_effect))

    def is_further(self, tensor: str) -> bool:
        """Whether the tensor is of a layer that predicts further tokens."""
        block = tensor.removeprefix("blk.").partition(".")[0]
        return tensor.startswith("blk.") and block.isdecimal() and self.layers <= int(block[:9]) < self._blocks

    def has(self, tensor: str) -> bool:
        """Whether there is such a tensor, in any layer if its name has `{layer}`."""
        before, _, after = tensor.partition("{layer}")
        if not after:
            return tensor in self.gguf.tensors
        return any(before + str(layer) + after in self.gguf.tensors for layer in range(self.layers))

    def measure(self, tensor: str, axis: int) -> int:
        """The length of an axis of a tensor, of the first layer that has it.

        Raises:
            ModelError: there is no such tensor, or it has fewer axes.
        """
        names = (tensor.format(layer=layer) for layer in range(self.layers))
        shape = next((self.gguf.tensors[name].shape for name in names if name in self.gguf.tensors), ())
        if axis >= len(shape):
            self.gguf.refuse(f"hold {tensor.format(layer=0)} with {axis + 1} axes or more", "none", "fetch it again")
        return shape[axis]

    def read_vector(self, name: str) -> np.ndarray:
        """A tensor of float32 with one axis.

        Raises:
            ModelError: it is another one.
        """
        tensor = self.gguf.tensors[name]
        if tensor.type != "F32" or len(tensor.shape) != 1:
            self.gguf.refuse(
                f"hold {name} as a list of F32", f"{list(tensor.shape)} of {tensor.type}", "fetch it again"
            )
        return np.frombuffer(self.gguf.read(tensor, 0, tensor.stop - tensor.start), "<f4")
