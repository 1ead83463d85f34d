"""A GGUF file seen as the folder of a Hugging Face model: config.json, tokenizer.json and safetensors.

Nothing is written: the bytes of the files are made when they are read. Quantised tensors become float32, as the `gguf`
library dequantises them; tensors of 16 bits stay as they are.

llama.cpp rotates neighbouring numbers of queries and keys, Hugging Face the two halves of a head. So the rows of a head
lie in another order, [a pair, one of its two] and not [one of its two, a pair]; here they are put back.
"""

import bisect
import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from byheart.components.download.gguf.config import describe_config
from byheart.components.download.gguf.header import GgufFile, GgufTensor
from byheart.components.download.gguf.tokenizer import describe_tokenizer
from byheart.models.folder import CONFIG
from byheart.models.weights import WEIGHTS
from byheart.store.stored import Stored

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
_PARTS = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""What Llama's safetensors call the parts that GGUF has."""
_NAME = re.compile(rf"(?:blk\.(\d+)\.)?({'|'.join(_PARTS)})\.(weight|bias)")
_ROTATED = ("attn_q", "attn_k")
_NO_WEIGHTS = ("rope_freqs.weight",)
"""Tensors that config.json stands for."""
_KEPT = {"F32": ("F32", 4), "F16": ("F16", 2), "BF16": ("BF16", 2)}
"""The types that safetensors have too, with bytes an element; all others become float32."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Weights:
    """A tensor as safetensors hold it."""

    name: str
    source: GgufTensor
    dtype: str
    row_bytes: int
    """Bytes of a row; each number of a vector is a row."""
    head_rows: int
    """Rows of a head, if their order is another in GGUF; otherwise 1."""
    start: int
    """The offset of its first byte in the safetensors file."""
    stop: int


class GgufFolder:
    """The files that a GGUF file amounts to, with the interface of a place.

    Args:
        beside: the files of another tokenizer, by name, which replaces the file's own.

    Raises:
        ModelError: the file holds something else than a model that can be computed.
    """

    def __init__(self, gguf: GgufFile, beside: Mapping[str, bytes]) -> None:
        self._gguf, self._beside = gguf, beside
        self._config = describe_config(gguf)
        self._files = {CONFIG: _encode(self._config), **(beside or _encode_tokenizer(gguf))}
        self._weights = list(self._lay_out())
        self._header = _encode_header(self._weights)
        self._starts = [weights.start for weights in self._weights]

    @property
    def quantisation(self) -> str:
        """The format of most of the weights, as ggml names it."""
        sizes: dict[str, int] = {}
        for tensor in self._gguf.tensors.values():
            sizes[tensor.type] = sizes.get(tensor.type, 0) + math.prod(tensor.shape)
        return max(sizes, key=lambda name: sizes[name])

    def hash_beside(self) -> dict[str, str]:
        """The SHA-256 of the files of another tokenizer, by name."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self._beside.items()}

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        return self.read_range(name, 0, self._count_bytes(name))

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The file's bytes from `start` up to `stop`."""
        if name != WEIGHTS:
            return self._files[name][start:stop]
        header, first = self._header[start:stop], len(self._header)
        return header + b"".join(self._read_weights(max(start - first, 0), stop - first))

    def find(self, name: str) -> Stored | None:
        """The file's size, with the age and version of the GGUF file."""
        stored = self._gguf.place.find(self._gguf.file)
        if stored is None or (name != WEIGHTS and name not in self._files):
            return None
        return dataclasses.replace(stored, name=name, size_bytes=self._count_bytes(name), crc32c="")

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The files whose names begin with `prefix`."""
        files = (self.find(name) for name in sorted([*self._files, WEIGHTS]) if name.startswith(prefix))
        return (stored for stored in files if stored)

    def locate(self, name: str) -> str:
        """The address of the GGUF file, and the name in it."""
        return f"{self._gguf.path}/{name}"

    def _count_bytes(self, name: str) -> int:
        return len(self._header) + self._weights[-1].stop if name == WEIGHTS else len(self._files[name])

    def _lay_out(self) -> Iterator[_Weights]:
        """The tensors, one after the other, in the order of the GGUF file."""
        start = 0
        for name, tensor in sorted(self._gguf.tensors.items(), key=lambda item: item[1].start):
            if name in _NO_WEIGHTS:
                continue
            match = _NAME.fullmatch(name)
            if not match or len(tensor.shape) > 2:
                self._gguf.refuse(
                    "hold no tensor of unknown meaning", f"{name[:60]} {list(tensor.shape)}", "name its safetensors"
                )
            layer, part, kind = match.groups()
            dtype, number_bytes = _KEPT.get(tensor.type, ("F32", 4))
            if len(tensor.shape) == 1 and tensor.type not in _KEPT:
                self._gguf.refuse(f"hold {name} as F32, F16 or BF16", tensor.type, "name its safetensors")
            _check_readable(self._gguf, tensor)
            head_rows = self._config["head_dim"] if part in _ROTATED else 1
            if tensor.shape[0] % head_rows:
                self._gguf.refuse(f"hold {name} in heads of {head_rows}", f"{list(tensor.shape)}", "fetch it again")
            stop = start + math.prod(tensor.shape) * number_bytes
            yield _Weights(
                name=(f"model.layers.{layer}." if layer else "") + f"{_PARTS[part]}.{kind}",
                source=tensor,
                dtype=dtype,
                row_bytes=math.prod(tensor.shape[1:]) * number_bytes,
                head_rows=head_rows,
                start=start,
                stop=stop,
            )
            start = stop

    def _read_weights(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop` of the tensors, a piece of each tensor."""
        for weights in self._weights[max(bisect.bisect_right(self._starts, start) - 1, 0) :]:
            if weights.start >= stop:
                break
            low, high = max(start, weights.start) - weights.start, min(stop, weights.stop) - weights.start
            if low < high:
                first, last = low // weights.row_bytes, -(-high // weights.row_bytes)
                rows = self._read_rows(weights, first, last)
                yield rows[low - first * weights.row_bytes : high - first * weights.row_bytes]

    def _read_rows(self, weights: _Weights, first: int, last: int) -> bytes:
        """Rows of a tensor, from `first` up to `last`, in the order of safetensors."""
        head = weights.head_rows
        low, high = first // head * head, -(-last // head) * head
        tensor = weights.source
        source_row = (tensor.stop - tensor.start) // tensor.shape[0]
        packed = np.frombuffer(self._gguf.read(tensor, low * source_row, high * source_row), np.uint8)
        rows = packed.reshape(high - low, source_row)
        if tensor.type not in _KEPT:
            rows = _dequantise(rows, tensor.type).astype("<f4", copy=False).view(np.uint8)
        if head > 1:
            pairs = rows.reshape(-1, head // 2, 2, weights.row_bytes)
            rows = pairs.swapaxes(1, 2).reshape(high - low, weights.row_bytes)
        return rows[first - low : last - low].tobytes()


def _check_readable(gguf: GgufFile, tensor: GgufTensor) -> None:
    """Refuse a type that the library cannot dequantise, before any tensor is read."""
    if tensor.type in _KEPT:
        return
    row_bytes = (tensor.stop - tensor.start) // tensor.shape[0]
    try:
        _dequantise(np.zeros((1, row_bytes), np.uint8), tensor.type)
    except NotImplementedError:
        gguf.refuse("hold weights that can be dequantised", tensor.type, "choose another quantisation")


def _dequantise(rows: np.ndarray, kind: str) -> np.ndarray:
    """Rows of packed blocks, uint8 [rows, bytes], as float32 [rows, columns]."""
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    with np.errstate(all="ignore"):  # a damaged scale may be infinite: the score says so
        return np.asarray(dequantize(rows, GGMLQuantizationType[kind]), np.float32)


def _encode_tokenizer(gguf: GgufFile) -> dict[str, bytes]:
    contents = zip((TOKENIZER, TOKENIZER_CONFIG), describe_tokenizer(gguf), strict=True)
    return {name: _encode(content) for name, content in contents}


def _encode(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _encode_header(tensors: list[_Weights]) -> bytes:
    """The length and the header of a safetensors file."""
    entries = {
        weights.name: {
            "dtype": weights.dtype,
            "shape": weights.source.shape,
            "data_offsets": [weights.start, weights.stop],
        }
        for weights in tensors
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header
