"""A model comes from the Hub into the store, all that a run needs of it and no more, and is found there again."""

import json
from pathlib import Path

import pytest

from byheart.components.download.model import bring_model
from byheart.store import open_store
from tests.conftest import MODEL
from tests.download.toy import MANIFEST, NAME, SMALL, UNWANTED, WANTED, asked_for, sent_by_cdn, sha256, toy, write
from tests.gcs import GcsServer
from tests.hub import HubServer, Repository
from tests.models.test_folder import SHARDS


def held(store: str) -> dict[str, bytes]:
    place = open_store(store)
    return {stored.name: place.read(stored.name) for stored in place.list()}


def test_what_a_run_needs_is_fetched_and_nothing_else(
    hub: HubServer, repository: Repository, files: dict[str, bytes], store: str
) -> None:
    found = bring_model(NAME, store)
    commit = repository.branches["main"]
    folder = f"models/org--toy@{commit}"
    assert (found.source, found.commit, found.address) == (NAME, commit, f"{store}/{folder}")
    there = held(store)
    manifest = json.loads(there.pop(f"{folder}/{MANIFEST}"))
    assert there == {f"{folder}/{name}": files[name] for name in WANTED}
    assert (manifest["repository"], manifest["commit"]) == (NAME, commit)
    assert manifest["files"] == {
        name: {"size_bytes": len(files[name]), "sha256": sha256(files[name])} for name in WANTED
    }
    assert not set(asked_for(hub)) & set(UNWANTED)
    assert not any(call.authorized for call in hub.calls)
    versions = {stored.name: int(stored.version) for stored in open_store(store).list()}
    assert max(versions, key=lambda name: versions[name]) == f"{folder}/{MANIFEST}"


def test_hash_of_the_weights_is_the_same_wherever_they_lie(
    repository: Repository, files: dict[str, bytes], server: GcsServer, tmp_path: Path
) -> None:
    assert repository
    assert server
    folder = write(tmp_path / "folder", files)
    for name in WANTED:
        open_store("gs://shelf").create(f"models/toy/{name}", files[name])
    described = [
        bring_model(model, store)
        for model in (NAME, str(folder), "gs://shelf/models/toy")
        for store in (str(tmp_path / "store"), "gs://shelf/store")
    ]
    assert len({model.weights_sha256 for model in described}) == 1
    assert {(model.parameters, model.model_type) for model in described} == {(described[0].parameters, "llama")}


def test_branch_tag_and_commit_give_the_same_commit_and_bytes_come_once(
    hub: HubServer, repository: Repository, tmp_path: Path
) -> None:
    commit = repository.branches["main"]
    repository.tag("v1.0")
    repository.branch("other")
    first = bring_model(f"{NAME}@main", str(tmp_path))
    for model in (NAME, *(f"{NAME}@{revision}" for revision in ("main", "other", "v1.0", commit[:7]))):
        hub.calls.clear()
        assert bring_model(model, str(tmp_path)) == first
        assert asked_for(hub) == ["model"]
    hub.calls.clear()
    assert bring_model(f"{NAME}@{commit}", str(tmp_path)) == first
    assert hub.calls == []


def test_full_commit_is_fetched_as_any_other(hub: HubServer, repository: Repository, tmp_path: Path) -> None:
    commit = repository.branches["main"]
    assert bring_model(f"{NAME}@{commit}", str(tmp_path)).commit == commit
    assert asked_for(hub).count("model") == 1


def test_branch_that_has_moved_gives_another_folder(repository: Repository, tmp_path: Path) -> None:
    first = bring_model(NAME, str(tmp_path))
    repository.commit({name: data for name, data in toy(embed=32).items() if name not in UNWANTED})
    second = bring_model(NAME, str(tmp_path))
    assert second.commit == repository.branches["main"]
    assert (first.commit, first.address) != (second.commit, second.address)
    assert bring_model(f"{NAME}@{first.commit}", str(tmp_path)) == first


def test_model_in_one_file_needs_no_index(hub: HubServer, tmp_path: Path) -> None:
    hub.add_folder("org/sample", MODEL)
    found = bring_model("org/sample", str(tmp_path / "store"))
    assert found.parameters == 1_488_192
    assert {path.name for path in Path(found.address).iterdir()} == {*SMALL, MANIFEST, "model.safetensors"}


def test_short_name_stands_for_its_repository_at_its_revision(
    hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    repository = hub.add_repo("meta-llama/Llama-3.1-8B", files)
    commit = repository.commits.pop(repository.branches["main"])
    sha = "d04e592" + commit.sha[7:]
    repository.commits[sha] = type(commit)(
        sha=sha, title=commit.title, date=commit.date, files=commit.files, touched=commit.touched
    )
    repository.branches.clear()
    found = bring_model("llama-3.1-8b", str(tmp_path))
    assert (found.source, found.commit) == ("meta-llama/Llama-3.1-8B", sha)


@pytest.mark.usefixtures("repository")
def test_file_that_was_damaged_in_the_store_is_fetched_again(
    hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    first = bring_model(NAME, str(tmp_path))
    shard = Path(first.address) / SHARDS[1]
    shard.write_bytes(files[SHARDS[1]][:-1])
    (Path(first.address) / "config.json").unlink()
    hub.calls.clear()
    assert bring_model(f"{NAME}@{first.commit}", str(tmp_path)) == first
    assert shard.read_bytes() == files[SHARDS[1]]
    assert asked_for(hub).count(SHARDS[0]) == 1  # its header


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"files": 3}', b'{"files": {"config.json": 3}}', b"\xff"])
def test_manifest_that_was_damaged_is_written_again_from_what_is_there(
    hub: HubServer, content: bytes, tmp_path: Path
) -> None:
    first = bring_model(NAME, str(tmp_path))
    manifest = Path(first.address) / MANIFEST
    whole = manifest.read_bytes()
    manifest.write_bytes(content)
    hub.calls.clear()
    assert bring_model(f"{NAME}@{first.commit}", str(tmp_path)) == first
    assert manifest.read_bytes() == whole
    assert all(call.range for call in hub.calls if call.origin == "cdn")  # headers


@pytest.mark.usefixtures("repository")
def test_damaged_file_without_a_manifest_is_fetched_again(files: dict[str, bytes], tmp_path: Path) -> None:
    first = bring_model(NAME, str(tmp_path))
    (Path(first.address) / MANIFEST).unlink()
    (Path(first.address) / SHARDS[0]).write_bytes(b"short")
    assert bring_model(NAME, str(tmp_path)) == first
    assert (Path(first.address) / SHARDS[0]).read_bytes() == files[SHARDS[0]]


def test_model_in_a_folder_is_used_where_it_is(
    files: dict[str, bytes], hub: HubServer, store: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "folder", files)
    found = bring_model(str(folder), store)
    assert (found.source, found.commit, found.address) == (str(folder), None, str(folder))
    assert {name.partition("/")[0] for name in held(store)} == {"hashes"}
    assert hub.calls == []


def test_model_in_a_bucket_is_used_where_it_is_and_read_once(
    files: dict[str, bytes], hub: HubServer, server: GcsServer, store: str
) -> None:
    for name in WANTED:
        open_store("gs://shelf/toy").create(name, files[name])
    found = bring_model("gs://shelf/toy", store)
    assert (found.source, found.commit, found.address) == ("gs://shelf/toy", None, "gs://shelf/toy")
    assert {name.partition("/")[0] for name in held(store) if not name.startswith("toy/")} == {"hashes"}
    server.calls.clear()
    assert bring_model("gs://shelf/toy", store) == found
    read = [call for call in server.calls if "alt=media" in call.url and "safetensors?" in call.url]
    assert len(read) == len(SHARDS)  # the headers, of up to 256 KiB: here that is all there is
    assert hub.calls == []


def test_sent_bytes_are_those_of_the_files(
    hub: HubServer, repository: Repository, files: dict[str, bytes], tmp_path: Path
) -> None:
    assert repository
    bring_model(NAME, str(tmp_path))
    headers = sum(min(len(files[name]), 2**18) for name in SHARDS)
    assert sent_by_cdn(hub) == sum(len(files[name]) for name in SHARDS) + headers
