"""A GGUF file seen as the folder of a Hugging Face model: config.json, tokenizer.json and safetensors.

Nothing is written: the bytes of the files are made when they are read. Quantised tensors become float32, as the `gguf`
library dequantises them; tensors of 16 bits stay as they are.
"""

import bisect
import dataclasses
import functools
import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Set
from typing import Any

from byheart.components.download.gguf.config import describe_config, find_architecture
from byheart.components.download.gguf.header import GgufFile
from byheart.components.download.gguf.layout import Layout
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import DIVISORS
from byheart.components.download.gguf.tokenizer import describe_tokenizer
from byheart.models.families import find_family
from byheart.models.folder import CONFIG
from byheart.models.parameters import describe_parameters, leaves
from byheart.models.weights import WEIGHTS
from byheart.store.stored import Stored

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
_MOST_TENSORS = 2**18
"""Three times those of the published models with the most experts."""
_LARGE_BLOCK_BYTES = 2**20
_SCALES = ("_scales", "_blocks")
"""What quantised weights have beside them, by another ending."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Weights:
    """A tensor as safetensors hold it."""

    layout: Layout
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
        self._read_large_block = functools.lru_cache(maxsize=2)(self._make_block)

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
        layouts = list(itertools.islice(self._list_layouts(), _MOST_TENSORS + 1))
        if len(layouts) > _MOST_TENSORS:
            self._gguf.refuse(f"hold at most {_MOST_TENSORS:,} tensors", "more", "name its safetensors")
        self._check_meaning({layout.name for layout in layouts})
        start = 0
        for layout in sorted(
            layouts, key=lambda layout: min((rows.tensor.start for rows in layout.sources), default=0)
        ):
            layout.check(self._gguf)
            stop = start + layout.size_bytes
            yield _Weights(layout=layout, start=start, stop=stop)
            start = stop

    def _list_layouts(self) -> Iterator[Layout]:
        """What is made of the file's tensors.

        Raises:
            ModelError: nothing is made of one of them.
        """
        gguf, architecture = self._gguf, find_architecture(self._gguf)
        metadata, unused = Metadata(gguf, architecture.name), set(gguf.tensors) - set(DIVISORS)
        for made in architecture.tensors:
            for layer in range(metadata.layers) if any("{layer}" in part for part in made.of) else (0,):
                names = [part.replace("{layer}", str(layer)) for part in made.of]
                found = [name for name in names if name in gguf.tensors]
                if len(found) == len(names):
                    unused.difference_update(names)
                    tensors = [gguf.tensors[name] for name in names]
                    yield from made.by(metadata, made.name.replace("{layer}", str(layer)), tensors)
        if others := sorted(name for name in unused if not metadata.is_further(name)):
            shape = list(gguf.tensors[others[0]].shape)
            gguf.refuse("hold no tensor of unknown meaning", f"{others[0][:60]} {shape}", "name its safetensors")

    def _check_meaning(self, names: Set[str]) -> None:
        """Refuse what the family has no parameter for, such as a bias: the model would be another without it."""
        family = find_family(self._config)
        decoder = family.parse_config(self._config)
        parameters = list(leaves(describe_parameters(decoder, family.find_sources(names))))
        if max(parameter.count_tensors() for parameter in parameters) > len(names):
            return  # some are missing, which `ModelFolder.check_tensors` says
        known = {name for parameter in parameters for name in parameter.name_tensors().values()}
        if others := sorted(name for name in names if name.replace(*_SCALES) not in known):
            self._gguf.refuse("hold no tensor of unknown meaning", others[0][:60], "name its safetensors")

    def _read_weights(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop` of the tensors, a piece of each tensor."""
        for index in range(max(bisect.bisect_right(self._starts, start) - 1, 0), len(self._weights)):
            weights = self._weights[index]
            if weights.start >= stop:
                break
            low, high = max(start, weights.start) - weights.start, min(stop, weights.stop) - weights.start
            if low < high:
                block_bytes = weights.layout.block_bytes
                first, last = low // block_bytes, -(-high // block_bytes)
                blocks = self._read_blocks(index, first, last)
                yield blocks[low - first * block_bytes : high - first * block_bytes]

    def _read_blocks(self, index: int, first: int, last: int) -> bytes:
        """Blocks of a tensor; large ones are kept for the next pieces of them."""
        layout = self._weights[index].layout
        if layout.block_bytes < _LARGE_BLOCK_BYTES:
            return layout.read(self._gguf, first, last)
        return b"".join(self._read_large_block(index, block) for block in range(first, last))

    def _make_block(self, index: int, block: int) -> bytes:
        return self._weights[index].layout.read(self._gguf, block, block + 1)


def _encode_tokenizer(gguf: GgufFile) -> dict[str, bytes]:
    contents = zip((TOKENIZER, TOKENIZER_CONFIG), describe_tokenizer(gguf), strict=True)
    return {name: _encode(content) for name, content in contents}


def _encode(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _encode_header(tensors: list[_Weights]) -> bytes:
    """The length and the header of a safetensors file."""
    entries = {
        weights.layout.name: {
            "dtype": weights.layout.dtype,
            "shape": weights.layout.shape,
            "data_offsets": [weights.start, weights.stop],
        }
        for weights in tensors
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header
