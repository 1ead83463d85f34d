"""A model arrives with its bytes, once, whatever happens on the way and whoever brings it at the same time."""

import dataclasses
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from byheart.components.download.hub import HubFile, HubRepository
from byheart.components.download.model import bring_model
from byheart.components.download.transfer import PIECE_BYTES as WHOLE
from byheart.components.download.transfer import Hashes, _keep, bring
from byheart.contracts.errors import ModelError
from byheart.store import open_store
from tests.conftest import ROOT
from tests.download.fixtures import PIECE_BYTES, Clock
from tests.download.toy import MANIFEST, NAME, WANTED, sent_by_cdn, sha256, toy
from tests.hub import Fault, HubServer, Repository
from tests.models.test_folder import SHARDS

pytestmark = pytest.mark.slow

HEADERS = 2**18
"""Bytes that are read of each safetensors at first, to look at it."""
MODEL = "models/org--toy@{commit}"
BRING = """
import sys
from huggingface_hub import constants
from byheart.contracts.progress import stage
from byheart.components.download import transfer
from byheart.components.download.model import bring_model
transfer.PIECE_BYTES = int(sys.argv[2])
constants._HF_DEFAULT_ENDPOINT = constants.ENDPOINT
with stage("download"):
    print(bring_model("org/toy", sys.argv[1]).weights_sha256)
"""


def start(store: str, piece_bytes: int) -> subprocess.Popen[str]:
    """Find the model in a process of its own."""
    command = [sys.executable, "-c", BRING, store, str(piece_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)


def held(store: str, repository: Repository) -> dict[str, bytes]:
    """What lies in the model's folder, hidden files too, but for the manifest."""
    folder = MODEL.format(commit=repository.branches["main"])
    if not store.startswith("gs://"):
        found = {path.name: path.read_bytes() for path in (Path(store) / folder).iterdir()}
    else:
        place = open_store(store)
        found = {stored.name.rpartition("/")[2]: place.read(stored.name) for stored in place.list(folder)}
    assert MANIFEST in found
    return {name: data for name, data in found.items() if name != MANIFEST}


@pytest.fixture(scope="module")
def large() -> dict[str, bytes]:
    """The files of a toy of 6 MB."""
    return toy(embed=640)


def test_killed_download_goes_on_where_whole_pieces_end(
    hub: HubServer, large: dict[str, bytes], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = 2**17
    repository = hub.add_repo(NAME, large)
    commit = repository.branches["main"]
    hub.bytes_per_second = 2_000_000
    first = start(store, piece)
    names = {f"{MODEL.format(commit=commit)}/{shard}": shard for shard in SHARDS}
    deadline = time.monotonic() + 30
    while not all(open_store(store).begun_bytes(name) > 4 * piece for name in names):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.kill()
    first.communicate()
    begun = {names[name]: open_store(store).begun_bytes(name) // piece * piece for name in names}
    hub.bytes_per_second = 0
    monkeypatch.setattr("byheart.components.download.transfer.PIECE_BYTES", piece)
    already = len(hub.calls)
    bring_model(NAME, store)
    starts = {call.range for call in hub.calls[already:] if call.origin == "cdn" and call.range}
    assert {f"bytes={start}-{len(large[shard]) - 1}" for shard, start in begun.items()} <= starts
    assert held(store, repository) == {name: large[name] for name in WANTED}
    sizes = sum(len(large[shard]) for shard in SHARDS)
    # What the process and the connection hold when the kill comes is sent again.
    assert sent_by_cdn(hub) <= sizes + 4 * HEADERS + len(SHARDS) * (4 * piece + 2**20)


def test_two_processes_that_bring_one_model_do_each_other_no_harm(
    hub: HubServer, large: dict[str, bytes], store: str
) -> None:
    repository = hub.add_repo(NAME, large)
    hub.bytes_per_second = 8_000_000
    both = [start(store, 2**18) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len({text.splitlines()[-2] for text in said}) == 1  # the hash
    assert held(store, repository) == {name: large[name] for name in WANTED}
    if not store.startswith("gs://"):
        sizes = sum(len(large[shard]) for shard in SHARDS)
        assert sent_by_cdn(hub) <= sizes + 2 * (len(SHARDS) * HEADERS + 2**18)
        assert any("waiting for another process, which writes " in text for text in said)


@pytest.mark.parametrize("seed", range(3))
def test_storm_of_faults_changes_no_byte(
    seed: int, hub: HubServer, repository: Repository, files: dict[str, bytes], store: str, clock: Clock
) -> None:
    hub.faults.seed = seed
    rules = hub.faults.storm(0.1)
    expired = hub.faults.add(Fault(status=403, url="^/cdn/", rate=0.1))
    corrupt = hub.faults.add(Fault(kind="corrupt", url="^/cdn/", nth=4))
    found = bring_model(NAME, store)
    hub.faults.clear()
    assert held(store, repository) == {name: files[name] for name in WANTED}
    assert found == bring_model(f"{NAME}@{found.commit}", store)
    assert sum(rule.injected for rule in rules) + expired.injected + corrupt.injected
    assert clock.slept


@pytest.mark.parametrize("name", ["tokenizer.json", SHARDS[0]])
def test_file_that_came_corrupt_is_fetched_again(
    name: str, hub: HubServer, repository: Repository, files: dict[str, bytes], store: str
) -> None:
    source = HubRepository(NAME, "main")
    corrupt = hub.faults.add(Fault(kind="corrupt", method="GET"))
    folder = MODEL.format(commit=source.commit)
    hashed = bring(source, [name], open_store(store), folder, lambda _: None, lambda _: None)
    assert corrupt.injected == 1
    assert hashed == {name: sha256(files[name])}
    assert [stored.name for stored in open_store(store).list()] == [f"{folder}/{name}"]
    assert open_store(store).read(f"{folder}/{name}") == files[name]
    assert repository


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["tokenizer.json", SHARDS[0]])
def test_file_that_always_comes_corrupt_is_named_and_not_kept(name: str, hub: HubServer, store: str) -> None:
    source = HubRepository(NAME, "main")
    hub.faults.add(Fault(kind="corrupt", times=0))
    with pytest.raises(ModelError) as caught:
        bring(source, [name], open_store(store), "folder", lambda _: None, lambda _: None)
    assert str(caught.value) == (
        f"{source.locate(name)} must come as the Hub describes it, found other bytes, 2 times: check the network and "
        "run again"
    )
    assert not list(open_store(store).list())
    assert "X-Amz" not in "".join(traceback.format_exception(caught.value))


def test_pieces_of_another_content_are_found_out(repository: Repository, files: dict[str, bytes], store: str) -> None:
    folder = MODEL.format(commit=repository.branches["main"])
    with open_store(store).grow(f"{folder}/{SHARDS[1]}", PIECE_BYTES) as growing:
        assert growing
        growing.append(b"x" * PIECE_BYTES)
    bring_model(NAME, store)
    assert held(store, repository) == {name: files[name] for name in WANTED}


@pytest.mark.usefixtures("repository")
def test_what_one_file_had_is_kept_when_another_fails(hub: HubServer, files: dict[str, bytes], store: str) -> None:
    source = HubRepository(NAME, "main")
    names = [*SHARDS, "tokenizer.json"]
    hub.faults.add(Fault(status=400, url="tokenizer.json", times=0))
    hub.bytes_per_second = 200_000
    with pytest.raises(ModelError, match="found status 400"):
        bring(source, names, open_store(store), "folder", lambda _: None, lambda _: None)
    hub.faults.clear()
    hub.bytes_per_second = 0
    fetched: list[int] = []
    kept: list[int] = []
    hashed = bring(source, names, open_store(store), "folder", fetched.append, kept.append)
    assert hashed == {name: sha256(files[name]) for name in names}
    assert sum(fetched) + sum(kept) == sum(len(files[name]) for name in names)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    "busy", [Fault(status=503, times=0), Fault(status=429, seconds=300, times=0)], ids=["", "asks"]
)
def test_hub_that_is_waited_for_is_left_when_another_file_fails(
    busy: Fault, hub: HubServer, store: str, clock: Clock
) -> None:
    source = HubRepository(NAME, "main")
    hub.faults.add(dataclasses.replace(busy, url="^/cdn/"))
    hub.faults.add(Fault(kind="delay", seconds=0.3, url="tokenizer.json"))
    hub.faults.add(Fault(status=400, url="tokenizer.json", times=0))
    clock.pace = 0.1
    with pytest.raises(ModelError, match="found status 400"):
        bring(source, [SHARDS[0], "tokenizer.json"], open_store(store), "folder", lambda _: None, lambda _: None)
    assert sum(clock.slept) < 60


@pytest.mark.usefixtures("repository")
def test_file_that_another_process_brings_is_left_when_another_file_fails(hub: HubServer, tmp_path: Path) -> None:
    source, place = HubRepository(NAME, "main"), open_store(str(tmp_path / "store"))
    hub.faults.add(Fault(kind="delay", seconds=0.3, url="tokenizer.json"))
    hub.faults.add(Fault(status=400, url="tokenizer.json", times=0))
    with place.grow(f"folder/{SHARDS[0]}", PIECE_BYTES), pytest.raises(ModelError, match="found status 400"):
        bring(source, [SHARDS[0], "tokenizer.json"], place, "folder", lambda _: None, lambda _: None)


class Breaking:
    """A growing object whose second piece is lost on the way, and what it took."""

    def __init__(self) -> None:
        self.pieces, self.taken, self.calls = 0, b"", 0

    def read(self, _: int) -> bytes:
        raise AssertionError

    def append(self, data: bytes | memoryview) -> bytes | memoryview:
        self.calls += 1
        if self.calls == 2:
            raise OSError("full")
        self.taken += data
        return data

    def finish(self) -> None:
        raise AssertionError

    def discard(self) -> None:
        raise AssertionError


def test_nothing_is_kept_behind_a_piece_that_was_not() -> None:
    def chunks() -> Iterator[bytes]:
        for number in range(6):
            yield bytes([number]) * WHOLE

    growing = Breaking()
    hashes = Hashes(HubFile(name="a", size_bytes=6 * WHOLE, sha256="0", git_sha1=""))
    with pytest.raises(OSError, match="full"):
        _keep(chunks(), growing, hashes, threading.Event(), lambda _: None)
    assert growing.taken == bytes(WHOLE)
    assert growing.calls == 2


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_file_of_any_size_arrives(size: int, hub: HubServer, store: str) -> None:
    data = os.urandom(size)
    hub.add_repo("org/any", {"a.bin": data, "a.txt": data})
    source = HubRepository("org/any", "main")
    hashed = bring(source, ["a.bin", "a.txt"], open_store(store), "any", lambda _: None, lambda _: None)
    assert hashed == dict.fromkeys(["a.bin", "a.txt"], sha256(data))
    assert {stored.name: stored.size_bytes for stored in open_store(store).list()} == {
        "any/a.bin": size,
        "any/a.txt": size,
    }
