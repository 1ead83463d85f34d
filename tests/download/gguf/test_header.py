"""A file that is no whole GGUF file is refused in one line, and takes no memory first."""

import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.download.gguf.folder import GgufFolder
from byheart.components.download.gguf.header import GgufFile, read_gguf
from byheart.contracts.errors import ModelError
from byheart.models.folder import open_model_at
from byheart.store import open_store
from tests.download.gguf.test_folder import GOLDENS
from tests.download.gguf.written import read_model, write_gguf


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "toy.gguf", *read_model(GOLDENS / "gqa_untied"))


def read(path: Path) -> GgufFile:
    return read_gguf(open_store(str(path.parent)), path.name)


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def header(fields: int = 0, tensors: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, fields)


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def tensor(name: bytes = b"t", shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def test_fields_and_tensors_are_those_that_the_library_reads(whole: Path) -> None:
    found, known = read(whole), GGUFReader(whole)
    assert found.tensors.keys() == {tensor.name for tensor in known.tensors}
    for tensor_ in known.tensors:
        own = found.tensors[tensor_.name]
        assert (own.start, own.shape) == (tensor_.data_offset, tuple(tensor_.shape.tolist()[::-1]))
        assert own.stop - own.start == tensor_.n_bytes
    for name, field in known.fields.items():
        if not name.startswith("GGUF."):
            value = field.contents()
            expected = tuple(value) if isinstance(value, list) else value
            assert found.fields[name] == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "end before byte 0"),
        (b"GGML" + bytes(60), "other first bytes"),
        (header(version=1), "version 1"),
        (header(version=0x03000000), "version 50331648"),
        (header(fields=2**63), "fields, more than"),
        (header(tensors=2**63), "tensors, more than"),
        (header(fields=1), "does not end"),
        (header(fields=1) + struct.pack("<Q", 2**63), "does not end"),
        (header(fields=1) + text(b"\xff"), "no UTF-8"),
        (header(fields=1) + text(b"a") + struct.pack("<I", 99), "type 99"),
        (header(fields=1) + text(b"a") + struct.pack("<IIQ", 9, 4, 2**40), "elements of a list"),
        (header(fields=1) + text(b"a") + struct.pack("<IIQ", 9, 4, 2**22), "does not end"),
        (header(fields=1) + text(b"a") + struct.pack("<IIQ", 9, 9, 1), "values of type 9"),
        (header(fields=2) + 2 * (text(b"a") + struct.pack("<IB", 0, 1)), "comes twice: a"),
        (header(tensors=1) + text(b"t") + struct.pack("<I", 2**31), "2,147,483,648 dimensions"),
        (header(tensors=1) + tensor(kind=5) + bytes(999), "unknown type 5"),
        (header(tensors=1) + tensor(shape=(2**40, 2**40)) + bytes(999), "t at bytes"),
        (header(tensors=1) + tensor(shape=(0,)) + bytes(999), "shape [0]"),
        (header(tensors=1) + tensor(shape=(33,), kind=2) + bytes(999), "in blocks of 32"),
        (header(tensors=1) + tensor(offset=3) + bytes(999), "t at bytes"),
        (header(tensors=1) + tensor(offset=2**62) + bytes(999), "t at bytes"),
        (header(tensors=2) + tensor() + tensor(b"u", offset=64) + bytes(999), "over another"),
        (header(tensors=2) + tensor() + tensor() + bytes(999), "comes twice: t"),
        (header(fields=1) + text(b"general.alignment") + struct.pack("<II", 4, 0), "alignment of 0"),
    ],
)
def test_damage_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    tracemalloc.start()
    message = refusal(tmp_path / "x.gguf", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said in message
    assert peak < 64 * 2**20


def test_file_that_was_cut_anywhere_is_refused(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    for size in [*range(0, 4000, 97), len(data) - 1]:
        assert "must be a whole GGUF file" in refusal(tmp_path / "x.gguf", data[:size])


@given(at=st.integers(0, 3000), value=st.integers(0, 255))
def test_any_changed_byte_of_the_header_is_read_or_refused(whole: Path, at: int, value: int) -> None:
    data = bytearray(whole.read_bytes())
    data[at] = value
    path = whole.with_name("changed.gguf")
    path.write_bytes(data)
    with suppress(ModelError):
        found = read(path)
        assert all(tensor_.stop <= len(data) for tensor_ in found.tensors.values())
        open_model_at(GgufFolder(found, {})).check_tensors()


def test_small_numbers_are_what_was_meant(whole: Path) -> None:
    assert read(whole).fields["llama.attention.layer_norm_rms_epsilon"] == 0.01
    assert float(np.float32(0.01)) != 0.01
