"""A file that is used where it is is hashed once, and anew when it may be another."""

import os
from pathlib import Path

import pytest

from byheart.components.download.digests import hash_objects
from byheart.contracts.errors import ModelError
from byheart.store import Place, open_store
from byheart.store.local import LocalStore
from byheart.store.stored import Stored
from tests.download.toy import sha256
from tests.gcs import GcsServer

DATA = bytes(range(256)) * 100


@pytest.fixture
def memory(tmp_path: Path) -> str:
    """The store that remembers."""
    return str(tmp_path / "memory")


def digests(place: str, memory: str) -> dict[str, str]:
    return hash_objects(open_store(place), ["config.json", "a.safetensors"], open_store(memory))


def test_digests_are_those_of_hashlib(store: str, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byheart.components.download.transfer.PIECE_BYTES", 1000)
    place = open_store(store)
    place.create("config.json", b"")
    place.create("a.safetensors", DATA)
    for _ in range(2):
        assert digests(store, memory) == {"config.json": sha256(b""), "a.safetensors": sha256(DATA)}
    assert len(list(open_store(memory).list("hashes/"))) == 2


def test_file_that_is_not_there_has_none(store: str, memory: str) -> None:
    assert digests(store, memory) == {}


def test_second_time_no_byte_is_read_of_a_bucket(server: GcsServer, memory: str) -> None:
    open_store("gs://shelf/toy").create("a.safetensors", DATA)
    first = digests("gs://shelf/toy", memory)
    server.calls.clear()
    assert digests("gs://shelf/toy", memory) == first
    assert not any("alt=media" in call.url for call in server.calls)


def test_second_time_no_byte_is_read_of_a_folder(tmp_path: Path, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "toy" / "a.safetensors"
    path.parent.mkdir()
    path.write_bytes(DATA)
    first = digests(str(tmp_path / "toy"), memory)
    monkeypatch.setattr(LocalStore, "read_range", None)
    assert digests(str(tmp_path / "toy"), memory) == first


@pytest.mark.parametrize("replace", [False, True], ids=["written", "of another machine"])
def test_other_bytes_of_the_same_address_size_and_time_have_another_hash(
    replace: bool, tmp_path: Path, memory: str
) -> None:
    """As a container's, whose model is at /model and has the time 0, on two machines."""
    path = tmp_path / "toy" / "a.safetensors"
    path.parent.mkdir()
    for data in (DATA, DATA[::-1]):
        if replace:
            path.unlink(missing_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(0, 0))
        assert digests(str(path.parent), memory)["a.safetensors"] == sha256(data)


@pytest.mark.parametrize("data", [DATA[:-1], DATA[::-1], DATA])
def test_file_that_was_written_anew_is_hashed_anew(data: bytes, store: str, memory: str) -> None:
    open_store(store).create("a.safetensors", DATA)
    digests(store, memory)
    open_store(store).replace("a.safetensors", data)
    assert digests(store, memory)["a.safetensors"] == sha256(data)
    assert len(list(open_store(memory).list("hashes/"))) == 2


def test_same_file_elsewhere_is_hashed_anew(tmp_path: Path, memory: str) -> None:
    for name, data in (("a", DATA), ("b", DATA[::-1])):
        path = tmp_path / name / "a.safetensors"
        path.parent.mkdir()
        path.write_bytes(data)
        os.utime(path, ns=(1, 1))
        assert digests(str(path.parent), memory)["a.safetensors"] == sha256(data)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"3", b"\xff", b'{"sha25'])
def test_memory_that_was_damaged_is_written_again(content: bytes, tmp_path: Path, memory: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(DATA)
    first = digests(str(tmp_path), memory)
    [note] = (Path(memory) / "hashes").iterdir()
    whole = note.read_bytes()
    note.write_bytes(content)
    assert digests(str(tmp_path), memory) == first
    assert note.read_bytes() == whole


class Changing:
    """A file that somebody writes while it is read."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def read(self, name: str) -> bytes:
        return self._place.read(name)

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        data = self._place.read_range(name, start, stop)
        Path(self._place.locate(name)).write_bytes(DATA + DATA)
        return data

    def find(self, name: str) -> Stored | None:
        return self._place.find(name)

    def list(self, prefix: str = "") -> object:
        return self._place.list(prefix)

    def locate(self, name: str) -> str:
        return self._place.locate(name)


def test_file_that_changes_while_it_is_hashed_is_refused_and_not_remembered(tmp_path: Path, memory: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(DATA)
    place = Changing(open_store(str(tmp_path)))
    with pytest.raises(
        ModelError, match=r"a\.safetensors must not change while it is used, found it changed: run again"
    ):
        hash_objects(place, ["a.safetensors"], open_store(memory))  # type: ignore[arg-type]
    assert not list(open_store(memory).list("hashes/"))
