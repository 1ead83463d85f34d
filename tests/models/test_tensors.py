"""What the header of a safetensors file says is read as its own library reads it, or the file is refused."""

import json
import struct
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save, save_file

from byheart.contracts.errors import ModelError
from byheart.models.tensors import read_tensors
from byheart.store import open_store
from tests.gcs import GcsServer
from tests.store.conftest import server as server

FILE = "model.safetensors"
DTYPES: dict[str, Any] = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "I64": np.int64,
    "I32": np.int32, "I16": np.int16, "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16,
    "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip

Read = dict[str, tuple[str, tuple[int, ...], bytes]]


def read(data: bytes) -> Read:
    """The dtype, shape and bytes of each tensor in a file of these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_bytes(data)
        place = open_store(folder)
        tensors = read_tensors(place, FILE)
        return {name: (tensor.dtype, tensor.shape, tensor.read(place)) for name, tensor in tensors.items()}


def expected(tensors: dict[str, np.ndarray]) -> Read:
    spelt = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    return {name: (spelt[values.dtype], values.shape, values.tobytes()) for name, values in tensors.items()}


def file(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A file with that header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: object = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@st.composite
def tensor_files(draw: st.DrawFn) -> dict[str, np.ndarray]:
    shapes = st.lists(st.integers(0, 4), max_size=3)
    entries = draw(st.dictionaries(st.text(max_size=8), st.tuples(st.sampled_from([*DTYPES]), shapes), max_size=6))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    entries.pop("__metadata__", None)
    return {
        name: random.integers(0, 2 if dtype == "BOOL" else 100, shape).astype(DTYPES[dtype])
        for name, (dtype, shape) in entries.items()
    }


@given(
    tensors=tensor_files(), metadata=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1)
)
def test_tensors_are_those_that_the_library_wrote(
    tensors: dict[str, np.ndarray], metadata: dict[str, str] | None
) -> None:
    assert read(save(tensors, metadata)) == expected(tensors)


def test_header_longer_than_the_first_read_is_read_whole(tmp_path: Path) -> None:
    tensors = {f"layer.{number}.{'x' * 100}": np.full(3, number, np.int32) for number in range(3_000)}
    save_file(tensors, tmp_path / FILE)
    place = open_store(str(tmp_path))
    assert int.from_bytes(place.read_range(FILE, 0, 8), "little") > 2**18
    assert read((tmp_path / FILE).read_bytes()) == expected(tensors)


SAMPLE: dict[str, np.ndarray] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(3.0, np.float16),
    "c": np.zeros((0, 4), np.int8),
    "d": np.ones(5, ml_dtypes.bfloat16),
}
WHOLE = save(SAMPLE, {"format": "pt"})


def test_file_that_is_cut_anywhere_is_refused() -> None:
    for kept in range(len(WHOLE)):
        with pytest.raises(ModelError, match="must be a whole safetensors file, found damage"):
            read(WHOLE[:kept])


@pytest.mark.parametrize("more", [b"\0", b" " * 100])
def test_file_with_more_behind_it_is_refused(more: bytes) -> None:
    with pytest.raises(ModelError, match="found damage"):
        read(WHOLE + more)


@given(first=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7), second=st.integers(0, len(WHOLE) - 1))
def test_file_with_flipped_bits_is_refused_or_read_as_the_library_reads_it(first: int, bit: int, second: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[first] ^= 1 << bit
    damaged[second] ^= 1 << bit
    try:
        tensors = read(bytes(damaged))
    except ModelError:
        return
    tensors = {name: what for name, what in tensors.items() if what[0] in DTYPES}
    try:
        assert tensors == expected(load(bytes(damaged)))
    except (SafetensorError, KeyError, ValueError):  # it is stricter: about what nothing is read from
        assert all(
            len(content) == np.dtype(DTYPES[dtype]).itemsize * np.prod(shape)
            for dtype, shape, content in tensors.values()
        )


BAD = {
    "no-object": [],
    "a-number": 3,
    "entry-a-list": {"a": [1]},
    "entry-a-text": {"a": "text"},
    "no-dtype": {"a": {"shape": [1], "data_offsets": [0, 4]}},
    "offsets-of-one": {"a": entry(offsets=[0])},
    "offsets-an-object": {"a": entry(offsets={"x": 0, "y": 4})},
    "offsets-texts": {"a": entry(offsets="04")},
    "offsets-fractions": {"a": entry(offsets=[0.0, 4.0])},
    "offsets-booleans": {"a": entry(dtype="U8", offsets=[False, True])},
    "offsets-turned": {"a": entry(offsets=[4, 0])},
    "offsets-negative": {"a": entry(offsets=[-4, 0])},
    "offsets-beyond": {"a": entry(shape=[2], offsets=[0, 8])},
    "offsets-huge": {"a": entry(shape=[2**62], offsets=[0, 2**64])},
    "a-gap": {"a": entry(dtype="U8", shape=[2], offsets=[2, 4])},
    "overlap": {"a": entry(), "b": entry(dtype="U8", shape=[1], offsets=[3, 4])},
    "shape-fraction": {"a": entry(shape=[1.0])},
    "shape-text": {"a": entry(shape="1")},
    "shape-object": {"a": entry(shape={"1": 1})},
    "shape-none": {"a": entry(shape=None)},
    "shape-nested": {"a": entry(shape=[[1]])},
    "shape-negative": {"a": entry(shape=[-1, -1])},
    "shape-other": {"a": entry(shape=[2])},
    "not-a-number": b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}',
    "utf-16": json.dumps({"a": entry()}).encode("utf-16"),
    "a-mark": b"\xef\xbb\xbf" + json.dumps({"a": entry()}).encode(),
    "endless-digits": b'{"a": {"dtype": "F32", "shape": [' + b"9" * 9_999 + b'], "data_offsets": [0, 4]}}',
    "bottomless": b"[" * 100_000,
    "zeros": bytes(64),
}


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_header_that_makes_no_sense_is_refused(header: object) -> None:
    data = file(header, bytes(4))
    with pytest.raises(SafetensorError):
        load(data)
    with pytest.raises(ModelError, match=f"{FILE} must be a whole safetensors file, found damage .*: fetch the model"):
        read(data)


@pytest.mark.parametrize("length", [0, 2**62, 2**63, 2**64 - 1, 100_000_001, 10_000_000_000])
def test_claim_of_a_huge_header_costs_no_memory(length: int, tmp_path: Path) -> None:
    with (tmp_path / FILE).open("wb") as sparse:
        sparse.write(file({}, length=length))
        sparse.truncate(20_000_000_000)
    tracemalloc.start()
    with pytest.raises(ModelError, match="a header that does not fit"):
        read_tensors(open_store(str(tmp_path)), FILE)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_file_in_a_bucket_is_read_by_its_header_alone(server: GcsServer) -> None:
    place = open_store("gs://shelf/toy")
    place.create(FILE, save({"a": np.arange(500_000, dtype=np.int32)}))
    server.calls.clear()
    [tensor] = read_tensors(place, FILE).values()
    assert sum(call.sent_bytes for call in server.calls) < 2**18 + 5_000
    assert np.array_equal(np.frombuffer(tensor.read(place), np.int32), np.arange(500_000))
