"""The ways in which conversions to GGUF rearrange weights, undone.

Each makes the layouts of one or several tensors of safetensors from tensors of the file, whose shapes it checks.
Sources: `modify_tensors` of each model in llama.cpp's conversion.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from byheart.components.download.gguf.header import GgufTensor
from byheart.components.download.gguf.layout import Layout, Rows, check_shapes, count_columns, count_rows
from byheart.components.download.gguf.metadata import Metadata
from byheart.models.families.shape import MOST_EXPERTS

Making = Callable[[Metadata, str, Sequence[GgufTensor]], Iterator[Layout]]


@dataclasses.dataclass(frozen=True)
class Made:
    """A tensor of safetensors, or several, and what they are made of; `{layer}` stands for the number of a layer."""

    name: str
    of: tuple[str, ...]
    by: Making


def keep(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The tensor as it is."""
    (tensor,) = tensors
    if len(tensor.shape) > 2:
        metadata.gguf.refuse(f"hold {name} as a matrix", f"{list(tensor.shape)}", "fetch it again")
    yield _row_by_row(name, tensor)


def less_one(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The weights of a norm to which the model adds one, as GGUF's have it already."""
    (tensor,) = tensors
    if tensor.type != "F32" or len(tensor.shape) != 1:
        metadata.gguf.refuse(
            f"hold {name} as a list of F32", f"{list(tensor.shape)} of {tensor.type}", "fetch it again"
        )
    yield dataclasses.replace(_row_by_row(name, tensor), arrange=lambda rows: rows - np.float32(1))


def unpair(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The rows of queries or keys in the order of Hugging Face.

    llama.cpp rotates neighbouring numbers, Hugging Face the two halves of a head. So the rows of a head lie in another
    order, [a pair, one of its two] and not [one of its two, a pair].
    """
    (tensor,), head = tensors, metadata.head_dim
    if len(tensor.shape) > 2 or tensor.shape[0] % head or head % 2:
        metadata.gguf.refuse(f"hold {name} in heads of {head}", f"{list(tensor.shape)}", "fetch it again")

    def arrange(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(len(rows), head // 2, 2, -1).swapaxes(1, 2)

    yield Layout(
        name=name, shape=tensor.shape, blocks=tensor.shape[0] // head, sources=(Rows(tensor, head),), arrange=arrange
    )


def split(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """A tensor for each expert, or for each head, of one that holds them all; `{each}` is its number."""
    (tensor,) = tensors
    if len(tensor.shape) < 2 or tensor.shape[0] > MOST_EXPERTS:
        metadata.gguf.refuse(f"hold up to {MOST_EXPERTS:,} {name}", f"{list(tensor.shape)}", "fetch it again")
    rows = count_rows(tensor) // tensor.shape[0]
    for each in range(tensor.shape[0]):
        yield Layout(
            name=name.replace("{each}", str(each)),
            shape=tensor.shape[1:],
            blocks=rows,
            sources=(Rows(tensor, 1, each * rows),),
            arrange=_pass,
        )


def transpose(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """A matrix, or those of all experts, transposed."""
    (tensor,) = tensors
    *experts, rows, columns = (1,) * (2 - len(tensor.shape)) + tensor.shape
    if len(tensor.shape) not in (2, 3):
        metadata.gguf.refuse(f"hold {name} as matrices", f"{list(tensor.shape)}", "fetch it again")
    yield Layout(
        name=name,
        shape=(*experts, columns, rows),
        blocks=experts[0] if experts else 1,
        sources=(Rows(tensor, rows),),
        arrange=lambda block: block.swapaxes(1, 2),
    )


def fuse_by_group(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """Queries, keys and values one group of heads after the other, of all queries, all keys and all values."""
    (tensor,), head, groups = tensors, metadata.head_dim, metadata.kv_heads
    queries = metadata.heads // groups * head
    rows = (queries + 2 * head) * groups
    check_shapes(metadata.gguf, name, tensors, [(rows, *tensor.shape[1:2])])
    yield Layout(
        name=name,
        shape=tensor.shape,
        blocks=groups,
        sources=(
            Rows(tensor, queries),
            Rows(tensor, head, queries * groups),
            Rows(tensor, head, (queries + head) * groups),
        ),
        arrange=_join,
    )


def join_transposed(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The matrices of experts' gates and of their ups, one after the other, and transposed."""
    yield _make_gate_up(metadata, name, tensors, lambda gate, up: _join(gate, up).swapaxes(1, 2))


def interleave_transposed(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The matrices of experts' gates and of their ups, row by row in turn, and transposed."""
    yield _make_gate_up(metadata, name, tensors, lambda gate, up: _interleave(gate, up).swapaxes(1, 2))


def interleave(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """The biases of experts' gates and of their ups, number by number in turn."""
    gate, _ = tensors
    experts, ffn = gate.shape if len(gate.shape) == 2 else (1, 1)
    check_shapes(metadata.gguf, name, tensors, [(experts, ffn)] * 2)
    yield Layout(
        name=name,
        shape=(experts, 2 * ffn),
        blocks=experts,
        sources=tuple(Rows(tensor, 1) for tensor in tensors),
        arrange=lambda gates, ups: np.stack([gates, ups], axis=-1),
    )


def join_heads(metadata: Metadata, name: str, tensors: Sequence[GgufTensor]) -> Iterator[Layout]:
    """What makes keys and values of latent vectors: GGUF has the two apart, and transposes the one of keys."""
    keys, values = tensors
    heads, rank, key = keys.shape if len(keys.shape) == 3 else (1, 1, 1)
    value = values.shape[1] if len(values.shape) == 3 else 1
    check_shapes(metadata.gguf, name, tensors, [(metadata.heads, rank, key), (metadata.heads, value, rank)])
    yield Layout(
        name=name,
        shape=(heads * (key + value), rank),
        blocks=heads,
        sources=(Rows(keys, rank), Rows(values, value)),
        arrange=lambda transposed, plain: _join(transposed.swapaxes(1, 2), plain),
    )


def both(names: Mapping[str, str], before: str = "model.layers.{layer}.", by: Making = keep) -> tuple[Made, ...]:
    """The weight and the bias of each part of a layer: what GGUF calls it, and what follows `before` in safetensors."""
    return tuple(
        Made(f"{before}{name}.{kind}", (f"blk.{{layer}}.{part}.{kind}",), by)
        for part, name in names.items()
        for kind in ("weight", "bias")
    )


def once(names: Mapping[str, str]) -> tuple[Made, ...]:
    """The tensors of the whole model, by their whole names in GGUF."""
    return tuple(Made(name, (part,), keep) for part, name in names.items())


def _row_by_row(name: str, tensor: GgufTensor) -> Layout:
    return Layout(name=name, shape=tensor.shape, blocks=count_rows(tensor), sources=(Rows(tensor, 1),), arrange=_pass)


def _make_gate_up(
    metadata: Metadata, name: str, tensors: Sequence[GgufTensor], arrange: Callable[..., np.ndarray]
) -> Layout:
    gate, _ = tensors
    experts, ffn, embed = gate.shape if len(gate.shape) == 3 else (1, 1, count_columns(gate))
    check_shapes(metadata.gguf, name, tensors, [(experts, ffn, embed)] * 2)
    return Layout(
        name=name,
        shape=(experts, embed, 2 * ffn),
        blocks=experts,
        sources=tuple(Rows(tensor, ffn) for tensor in tensors),
        arrange=arrange,
    )


def _pass(rows: np.ndarray) -> np.ndarray:
    return rows


def _join(*rows: np.ndarray) -> np.ndarray:
    """Blocks of rows, one after the other."""
    return np.concatenate(rows, axis=1)


def _interleave(gate: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Blocks of rows in turn."""
    return np.stack([gate, up], axis=2).reshape(len(gate), 2 * gate.shape[1], -1)
