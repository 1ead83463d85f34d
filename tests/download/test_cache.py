"""A model that huggingface_hub keeps on this machine is used where it is, or its bytes are; never a damaged one."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download, snapshot_download

from byheart.components.download.model import bring_model
from byheart.contracts.errors import ModelError
from byheart.store import open_store
from tests.conftest import MODEL
from tests.download.fixtures import Clock
from tests.download.toy import MANIFEST, NAME, SMALL, WANTED, asked_for, sent_by_cdn, toy, write
from tests.gcs import GcsServer
from tests.hub import HubServer, Repository
from tests.models.test_folder import INDEX, SHARDS


@pytest.fixture
def snapshot(repository: Repository) -> Path:
    """The toy as huggingface_hub's own function leaves it in the cache."""
    assert repository
    return Path(snapshot_download(NAME))


def keep(*names: str) -> Path:
    """The snapshot once these files are in the cache, one by one: then nothing in it lists the repository's files."""
    return {Path(hf_hub_download(NAME, name)).parent for name in names}.pop()


def stop(hub: HubServer) -> None:
    """The Hub is gone."""
    hub.__exit__()


def blob(snapshot: Path, name: str) -> Path:
    """Where a file's bytes are."""
    return (snapshot / name).resolve()


def flip(path: Path) -> None:
    """Other bytes, as many."""
    *before, last = path.read_bytes()
    path.write_bytes(bytes([*before, last ^ 1]))


def cut(path: Path) -> None:
    """Fewer bytes."""
    path.write_bytes(path.read_bytes()[:-1])


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]


def held(store: Path) -> list[str]:
    """What is in the store, but for the hashes that it remembers."""
    return [stored.name for stored in open_store(str(store)).list() if not stored.name.startswith("hashes/")]


def test_model_in_the_cache_is_used_where_it_is_and_is_the_one_that_is_downloaded(
    snapshot: Path, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.calls.clear()
    found = bring_model(NAME, str(tmp_path / "store"))
    assert (found.source, found.commit, found.address) == (NAME, snapshot.name, str(snapshot))
    assert asked_for(hub) == ["model"]
    assert held(tmp_path / "store") == []
    assert said(capsys) == [f"using {NAME} at {snapshot.name[:12]} in huggingface_hub's cache: {snapshot}"]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    assert bring_model(NAME, str(tmp_path / "other")).identity == found.identity
    folder = write(tmp_path / "folder", toy(embed=64))
    assert bring_model(str(folder), str(tmp_path / "other")).weights_sha256 == found.weights_sha256


def test_full_commit_that_is_in_the_cache_is_not_asked_for(snapshot: Path, hub: HubServer, tmp_path: Path) -> None:
    hub.calls.clear()
    assert bring_model(f"{NAME}@{snapshot.name}", str(tmp_path / "store")).address == str(snapshot)
    assert hub.calls == []


def test_hub_that_is_gone_is_not_needed(
    snapshot: Path, hub: HubServer, tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    online = bring_model(NAME, str(tmp_path / "online"))
    stop(hub)
    capsys.readouterr()
    assert bring_model(NAME, str(tmp_path / "store")) == online
    assert sum(clock.slept) == 15
    cannot = f"the Hub cannot be asked: huggingface_hub's cache has {NAME}@main at {snapshot.name[:12]}"
    assert said(capsys)[1:] == [
        cannot, f"using {NAME} at {snapshot.name[:12]} in huggingface_hub's cache: {snapshot}"
    ]  # fmt: skip


def test_hub_that_may_not_be_asked_is_not_needed(
    repository: Repository, hub: HubServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.tag("v1.0")
    snapshot = Path(snapshot_download(NAME, revision="v1.0"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.calls.clear()
    for revision in ("v1.0", snapshot.name):
        assert bring_model(f"{NAME}@{revision}", str(tmp_path / "store")).address == str(snapshot)
    with pytest.raises(ModelError, match="found HF_HUB_OFFLINE set: unset it"):
        bring_model(f"{NAME}@main", str(tmp_path / "store"))  # for which nobody has asked yet
    assert (hub.calls, clock.slept) == ([], [])


def test_model_of_the_store_comes_first(
    repository: Repository, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bring_model(NAME, str(tmp_path / "store"))
    snapshot = Path(snapshot_download(NAME))
    blob(snapshot, SHARDS[0]).unlink()
    assert bring_model(NAME, str(tmp_path / "store")) == first
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.calls.clear()
    for revision in ("main", repository.branches["main"]):
        assert bring_model(f"{NAME}@{revision}", str(tmp_path / "store")) == first
    assert hub.calls == []


def test_branch_that_has_moved_is_asked_for_and_what_is_the_same_is_not_fetched(
    snapshot: Path, repository: Repository, hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository.commit({"README.md": b"# Another\n", "tokenizer_config.json": b"{}"})
    hub.calls.clear()
    found = bring_model(NAME, str(tmp_path / "store"))
    assert found.commit == repository.branches["main"] != snapshot.name
    assert {Path(name).name for name in held(tmp_path / "store")} == {*WANTED, MANIFEST}
    headers = sum(min(len(files[name]), 2**18) for name in SHARDS)
    assert sent_by_cdn(hub) == headers
    assert (Path(found.address) / "tokenizer_config.json").read_bytes() == b"{}"
    assert (Path(found.address) / SHARDS[0]).read_bytes() == files[SHARDS[0]]


def test_part_of_a_model_is_taken_from_the_cache_and_the_rest_fetched(
    repository: Repository, hub: HubServer, files: dict[str, bytes], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At gs:// too, where all of it goes into the store."""
    keep("config.json", SHARDS[0])
    hub.calls.clear()
    found = bring_model(NAME, store)
    headers = sum(min(len(files[name]), 2**18) for name in SHARDS)
    assert sent_by_cdn(hub) == headers + len(files[SHARDS[1]])
    fetching = f"fetching {NAME} at {repository.branches['main'][:12]}: 6 files, 0.2 MB"
    assert f"{fetching}, of which 0.1 MB are in huggingface_hub's cache" in said(capsys)
    place = open_store(store)
    for name in WANTED:
        assert place.read(f"models/org--toy@{found.commit}/{name}") == files[name]


def test_whole_model_goes_into_a_bucket_from_the_cache(
    snapshot: Path, hub: HubServer, files: dict[str, bytes], server: GcsServer, tmp_path: Path
) -> None:
    assert server
    in_place = bring_model(NAME, str(tmp_path / "store"))
    hub.calls.clear()
    found = bring_model(NAME, "gs://shelf/some/prefix")
    assert found.address == f"gs://shelf/some/prefix/models/org--toy@{snapshot.name}"
    assert found.identity == in_place.identity
    assert sent_by_cdn(hub) == sum(min(len(files[name]), 2**18) for name in SHARDS)


@pytest.mark.parametrize("name", sorted(WANTED))
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_damaged_file_of_the_cache_is_never_used(
    damage: Callable[[Path], object], name: str, hub: HubServer, files: dict[str, bytes], snapshot: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    damage(blob(snapshot, name))
    with monkeypatch.context() as offline:
        offline.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(ModelError, match="found HF_HUB_OFFLINE set: unset it"):
            bring_model(NAME, str(tmp_path / "store"))
    assert any(str(snapshot / name) in line for line in said(capsys)) or name == "config.json"
    found = bring_model(NAME, str(tmp_path / "store"))
    assert found.address == str(tmp_path / "store" / f"models/org--toy@{snapshot.name}")
    assert {path.name: path.read_bytes() for path in Path(found.address).iterdir() if path.name != MANIFEST} == {
        name: files[name] for name in WANTED
    }
    if damage is flip:
        assert f"damaged, and fetched from the Hub: {blob(snapshot, name)}" in said(capsys)
    assert sent_by_cdn(hub) > 0


@pytest.mark.parametrize("names", [[*SMALL, INDEX, *SHARDS], [*SMALL, "model.safetensors"]], ids=["index", "one file"])
def test_files_that_were_kept_one_by_one_are_a_model_too(
    names: list[str], hub: HubServer, tmp_path: Path, clock: Clock
) -> None:
    """As transformers keeps them, which knows no list of a repository's files."""
    files = {**toy(embed=64)} if INDEX in names else {path.name: path.read_bytes() for path in MODEL.iterdir()}
    hub.add_repo(NAME, files)
    snapshot = keep(*names)
    stop(hub)
    found = bring_model(NAME, str(tmp_path / "store"))
    assert found.address == str(snapshot)
    assert found.weights_sha256 == bring_model(str(snapshot), str(tmp_path / "store")).weights_sha256
    assert clock.slept


@pytest.mark.parametrize("missing", ["tokenizer.json", INDEX, SHARDS[1]])
def test_model_of_which_a_file_was_never_kept_is_refused_without_the_hub(
    missing: str, repository: Repository, hub: HubServer, tmp_path: Path, clock: Clock,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert repository
    snapshot = keep(*(name for name in [*SMALL, INDEX, *SHARDS] if name != missing))
    stop(hub)
    with pytest.raises(ModelError, match=r"must answer for org/toy, which is no folder here, found .* after 5 tries"):
        bring_model(NAME, str(tmp_path / "store"))
    lacks = "model.safetensors" if missing == INDEX else missing  # one or the other is needed
    assert f"{NAME} is not whole in huggingface_hub's cache: no {snapshot / lacks}" in said(capsys)
    assert clock.slept


def test_weights_are_hashed_once(snapshot: Path, tmp_path: Path) -> None:
    """And again when they change, though size and time stay."""
    first = bring_model(NAME, str(tmp_path / "store"))
    assert len(list(open_store(str(tmp_path / "store")).list("hashes/"))) == len(SHARDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("byheart.components.download.digests.hash_object", None)
        assert bring_model(NAME, str(tmp_path / "store")) == first
    shard = blob(snapshot, SHARDS[0])
    then = shard.stat().st_mtime_ns
    flip(shard)
    os.utime(shard, ns=(then, then))
    assert bring_model(NAME, str(tmp_path / "store")).address != first.address


def test_cache_without_links_is_held_against_the_hub(
    snapshot: Path, tmp_path: Path, clock: Clock, hub: HubServer
) -> None:
    """As on disks that have none: then no hash stands in the cache."""
    for path in list(snapshot.iterdir()):
        if path.is_file():
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data)
    shutil.rmtree(snapshot.parent.parent / "blobs")
    assert bring_model(NAME, str(tmp_path / "store")).address == str(snapshot)
    flip(snapshot / SHARDS[1])
    assert bring_model(NAME, str(tmp_path / "online")).address.startswith(str(tmp_path / "online"))
    stop(hub)
    with pytest.raises(ModelError, match="must answer for org/toy"):
        bring_model(NAME, str(tmp_path / "offline"))
    assert clock.slept


def test_blob_that_is_shared_between_repositories_is_known_by_its_first_link(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = snapshot.parents[2] / "blobs" / "ab"
    shared.mkdir(parents=True)
    own = blob(snapshot, SHARDS[0])
    own.rename(shared / ("ab" * 32))
    own.symlink_to(shared / ("ab" * 32))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert bring_model(NAME, str(tmp_path / "store")).address == str(snapshot)


@pytest.mark.parametrize("name", ["../toy", "org/na--me"])
@pytest.mark.usefixtures("hub")
def test_name_that_no_repository_has_is_refused_without_the_hub_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE|must be a folder"):
        bring_model(name, str(tmp_path))


def test_model_that_cannot_be_used_is_refused_as_the_hub_has_it(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(NAME, toy(model_type="mamba"))
    snapshot = Path(snapshot_download(NAME))
    stop(hub)
    with pytest.raises(ModelError, match="found 'mamba', which has"):
        bring_model(f"{NAME}@{snapshot.name}", str(tmp_path))
