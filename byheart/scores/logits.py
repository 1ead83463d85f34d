"""The raw logits in a store: for each address and kind a group of Zarr arrays, with an object for each window.

scores/ADDRESS/logits-suffix-float16/logits.zarr/zarr.json            a Zarr group, as zarr, tensorstore and xarray read
scores/ADDRESS/logits-suffix-float16/logits.zarr/logits/zarr.json     an array [windows, positions, vocabulary]
scores/ADDRESS/logits-suffix-float16/logits.zarr/logits/c.3.0.0       the logits of window 3
scores/ADDRESS/logits-suffix-float16/computed_on/DIGEST.json          devices, layout and code that computed some

A window is a chunk of each array, so a window is there when its objects are. Nothing is joined, and no object is
written twice; where a window has none, Zarr's fill value is read: NaN, or -1 for an id.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import google_crc32c
import numpy as np

from byheart.contracts.errors import StoreError
from byheart.contracts.json_files import to_json
from byheart.contracts.logits import CHECKSUM_BYTES, KeptLogits
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.parts import FOLDER, Missing, Part, select_asked
from byheart.store import Store

IN_ADDRESS = re.compile(r"logits-[^/]+/(?:logits\.zarr|computed_on)/.+")
"""The names, below an address, of all objects that belong to logits."""
_CHUNK = re.compile(r"c\.(0|[1-9]\d{0,8})\.0\.0")
"""The last part of a chunk's name, with the number of its window."""
_DIMENSIONS = {"logits": ("window", "position", "token"), "values": ("window", "position", "rank")}
_DIMENSIONS["ids"] = _DIMENSIONS["values"]
_METADATA = "zarr.json"


class LogitsStore:
    """The logits of one kind in a store. Methods may be called from several threads at once."""

    def __init__(self, store: Store, kept: KeptLogits) -> None:
        self.store, self.kept = store, kept

    def begin(self, address: str, windows: int) -> None:
        """Write the metadata of the group and its arrays, unless they exist.

        Raises:
            StoreError: they exist, and describe other arrays.
        """
        for name, content in self._describe(address, windows).items():
            if not self.store.create(name, content) and not self._holds(name, content):
                raise StoreError(
                    f"{self.store.locate(name)} must describe {windows:,} windows of {self.kept.name}, found another "
                    "content: remove the address with `byheart store remove`, and run again"
                )

    def describe_computation(self, address: str, computed_on: dict[str, Any]) -> None:
        """Write a note of devices, layout and code that compute some of the logits, unless it exists."""
        content = to_json({"contract": CONTRACT_VERSION, **computed_on})
        digest = hashlib.sha256(content).hexdigest()[:16]
        self.store.create(f"{FOLDER}/{address}/{self.kept.name}/computed_on/{digest}.json", content)

    def find_missing(self, parts: Iterable[Part], asked: Mapping[str, np.ndarray]) -> list[Missing]:
        """The selected windows of these parts that have no logits in the store.

        Args:
            asked: the selected windows by address, ascending; an address that is absent has all windows selected.
        """
        parts = list(parts)
        there = {address: self._list_windows(address) for address in dict.fromkeys(part.address for part in parts)}
        found = [
            Missing(part=part, windows=np.setdiff1d(select_asked(part, asked), there[part.address])) for part in parts
        ]
        return [missing for missing in found if len(missing.windows)]

    def find_still_missing(self, missing: Missing) -> np.ndarray:
        """The windows that are still not in the store.

        Another run that works here takes windows in their order: the store is listed only if the first of them is
        there, since it has an object for every window.
        """
        address, windows = missing.part.address, missing.windows
        if not len(windows) or not self.store.exists(self._name(address, self._last_array, int(windows[0]))):
            return windows
        return np.setdiff1d(windows, self._list_windows(address))

    def write(self, address: str, window: int, arrays: Mapping[str, np.ndarray], *, replace: bool = False) -> None:
        """Write the logits of a window, [R, N] each, unless they are there.

        Args:
            replace: overwrite what is there: `force` computes it again.
        """
        for name, dtype in self.kept.arrays.items():
            data = encode_chunk(np.ascontiguousarray(arrays[name], np.dtype(dtype).newbyteorder("<")))
            chunk = self._name(address, name, window)
            if replace:
                self.store.replace(chunk, data)
            elif not self.store.create(chunk, data):
                stored = self.store.find(chunk)
                if stored is None or stored.size_bytes != len(data):
                    self.store.replace(chunk, data)  # another run's may stay, and nothing else

    def locate(self, address: str) -> str:
        """The full location of the group, as Zarr's readers take it."""
        return self.store.locate(self._group(address))

    def _group(self, address: str) -> str:
        return f"{FOLDER}/{address}/{self.kept.name}/logits.zarr"

    def _name(self, address: str, array: str, window: int) -> str:
        return f"{self._group(address)}/{array}/c.{window}.0.0"

    @property
    def _last_array(self) -> str:
        """The array whose chunk is written last."""
        return list(self.kept.arrays)[-1]

    def _list_windows(self, address: str) -> np.ndarray:
        """int32, ascending: the windows that have all their chunks, each of the right size."""
        found: np.ndarray | None = None
        for name in self.kept.arrays:
            folder, size_bytes = f"{self._group(address)}/{name}/", self.kept.count_array_bytes(name)
            names = [
                _CHUNK.fullmatch(stored.name.removeprefix(folder))
                for stored in self.store.list(f"{folder}c.")
                if stored.size_bytes == size_bytes
            ]
            windows = np.array([int(match[1]) for match in names if match], np.int32)
            found = np.unique(windows) if found is None else np.intersect1d(found, windows)
        assert found is not None, "a kind has an array"
        return found

    def _holds(self, name: str, content: bytes) -> bool:
        stored = self.store.find(name)
        return stored is not None and stored.size_bytes == len(content) and self.store.read(name) == content

    def _describe(self, address: str, windows: int) -> dict[str, bytes]:
        """The content of each zarr.json, by name: version 3 of the format, one chunk for each window."""
        kept, group = self.kept, self._group(address)
        attributes = {"byheart": {"contract": CONTRACT_VERSION, "scores": address, "kind": kept.name}}
        described: dict[str, Any] = {
            f"{group}/{_METADATA}": {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        }
        for name, dtype in kept.arrays.items():
            described[f"{group}/{name}/{_METADATA}"] = {
                "zarr_format": 3,
                "node_type": "array",
                "shape": [windows, kept.positions, kept.values],
                "data_type": dtype,
                "chunk_grid": {
                    "name": "regular",
                    "configuration": {"chunk_shape": [1, kept.positions, kept.values]},
                },
                "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
                "fill_value": -1 if name == "ids" else "NaN",
                "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
                "attributes": {},
                "dimension_names": list(_DIMENSIONS[name]),
            }
        return {name: json.dumps(content, indent=2).encode() + b"\n" for name, content in described.items()}


def encode_chunk(values: np.ndarray) -> bytes:
    """A chunk by Zarr's codecs `bytes` and `crc32c`: the values in C order, and their CRC32C behind them."""
    data = values.tobytes()
    return data + google_crc32c.value(data).to_bytes(CHECKSUM_BYTES, "little")


def is_chunk(name: str) -> bool:
    """Whether an object's name is that of a chunk of logits."""
    folder, _, last = name.rpartition("/")
    return ".zarr/" in folder and bool(_CHUNK.fullmatch(last))


def matches_checksum(data: bytes) -> bool:
    """Whether a chunk's bytes match the checksum behind them."""
    content, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    return google_crc32c.value(content).to_bytes(CHECKSUM_BYTES, "little") == checksum
