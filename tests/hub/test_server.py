import hashlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, HfFileSystem, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import get_session, hf_raise_for_status

from tests.hub import Digested, HubServer, Repository
from tests.hub.conftest import FILES, NAME, WEIGHTS

WEIGHTS_SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{WEIGHTS_SHA256}\nsize {len(WEIGHTS)}\n".encode()


def git_hash(folder: Path, data: bytes) -> str:
    """What git itself calls these bytes."""
    command = ["git", "hash-object", "--stdin"]
    return subprocess.run(command, input=data, check=True, capture_output=True, cwd=folder).stdout.decode().strip()


def test_model_is_told_with_its_commit_and_its_files(api: HfApi, repository: Repository, tmp_path: Path) -> None:
    plain = api.model_info(NAME)
    assert plain.siblings is not None
    assert (plain.id, plain.sha, plain.private, plain.gated) == (NAME, repository.branches["main"], False, False)
    assert [(file.rfilename, file.size) for file in plain.siblings] == [(name, None) for name in sorted(FILES)]
    whole = api.model_info(NAME, files_metadata=True)
    files = {file.rfilename: file for file in whole.siblings or []}
    assert {name: file.size for name, file in files.items()} == {name: len(data) for name, data in FILES.items()}
    assert files["config.json"].blob_id == git_hash(tmp_path, b"{}")
    assert files["config.json"].lfs is None
    large = files["model.safetensors"].lfs
    assert large is not None
    assert files["model.safetensors"].blob_id == git_hash(tmp_path, POINTER)
    assert (large.sha256, large.size, large.pointer_size) == (WEIGHTS_SHA256, len(WEIGHTS), len(POINTER))
    assert api.model_info(NAME, expand=["sha"]).sha == repository.branches["main"]


def test_tree_holds_folders_and_files(api: HfApi, repository: Repository) -> None:
    def paths(**wanted: Any) -> list[str]:
        return [entry.path for entry in api.list_repo_tree(NAME, **wanted)]

    assert paths() == ["README.md", "config.json", "deep", "model.safetensors"]
    assert paths(path_in_repo="deep") == ["deep/er", "deep/notes.txt"]
    assert paths(path_in_repo="deep/er") == ["deep/er/vocab.txt"]
    assert sorted(set(paths(recursive=True)) - set(FILES)) == ["deep", "deep/er"]
    with pytest.raises(RemoteEntryNotFoundError):
        paths(path_in_repo="none")
    second = repository.commit({"config.json": b"[]"}, title="Another config")
    changed = {entry.path: entry.last_commit for entry in api.list_repo_tree(NAME, expand=True)}
    assert changed["config.json"] is not None
    assert changed["deep"] is not None
    assert (changed["config.json"].oid, changed["config.json"].title) == (second, "Another config")
    assert changed["deep"].oid != second
    found = api.get_paths_info(NAME, ["config.json", "deep", "none"], expand=True)
    assert [entry.path for entry in found] == ["config.json", "deep"]


def test_tree_comes_page_by_page(api: HfApi, hub: HubServer) -> None:
    names = [f"{number:05}.txt" for number in range(1001)]
    hub.add_repo("org/many", dict.fromkeys(names, b""))
    assert [entry.path for entry in api.list_repo_tree("org/many")] == names
    assert [entry.path for entry in api.list_repo_tree("org/many", expand=True)] == names
    assert len(hub.calls) == 2 + 21


def test_revision_is_a_branch_a_tag_or_a_commit(
    api: HfApi, repository: Repository, place: dict[str, Any], tmp_path: Path
) -> None:
    first = repository.branches["main"]
    repository.tag("v1")
    repository.branch("pr/one")
    second = repository.commit({"config.json": b"[]", "README.md": None}, branch="pr/one")
    assert api.model_info(NAME).sha == first
    for revision, commit in [("main", first), ("v1", first), (first[:7], first), ("pr/one", second), (second, second)]:
        assert api.model_info(NAME, revision=revision).sha == commit
        assert api.resolve_revision(NAME, revision=revision, cache_dir=tmp_path).resolved == commit
        found = Path(hf_hub_download(NAME, "config.json", revision=revision, **place))
        assert found.read_bytes() == (b"{}" if commit == first else b"[]")
        assert found.parent.name == commit
    assert "README.md" not in api.list_repo_files(NAME, revision="pr/one")
    references = api.list_repo_refs(NAME)
    assert {branch.name: branch.target_commit for branch in references.branches} == {"main": first, "pr/one": second}
    assert [(tag.ref, tag.target_commit) for tag in references.tags] == [("refs/tags/v1", first)]
    for revision in ("none", first[:6], "f" * 40):
        with pytest.raises(RevisionNotFoundError, match="Revision Not Found"):
            api.model_info(NAME, revision=revision)
        with pytest.raises(RevisionNotFoundError):
            hf_hub_download(NAME, "config.json", revision=revision, **place)


def test_metadata_of_a_file_are_in_the_headers_of_its_redirect(hub: HubServer, repository: Repository) -> None:
    large = get_hf_file_metadata(hf_hub_url(NAME, "model.safetensors", endpoint=hub.endpoint), token=False)
    assert (large.commit_hash, large.etag, large.size) == (repository.branches["main"], WEIGHTS_SHA256, len(WEIGHTS))
    assert "/cdn/" in large.location
    assert "X-Amz-Signature=" in large.location
    assert not large.location.startswith(hub.endpoint)
    small = get_hf_file_metadata(hf_hub_url(NAME, "deep/er/vocab.txt", endpoint=hub.endpoint), token=False)
    assert (small.commit_hash, small.size) == (repository.branches["main"], 3)
    assert small.etag == repository.commits[repository.branches["main"]].files["deep/er/vocab.txt"].blob_id
    assert small.location.startswith(f"{hub.endpoint}/api/resolve-cache/models/{NAME}/{repository.branches['main']}/")
    assert small.xet_file_data is None
    assert [(call.method, call.status) for call in hub.calls] == [("HEAD", 302), ("HEAD", 307), ("HEAD", 200)]


@pytest.mark.usefixtures("repository")
def test_files_are_downloaded_with_their_bytes(place: dict[str, Any]) -> None:
    for name, data in FILES.items():
        assert Path(hf_hub_download(NAME, name, **place)).read_bytes() == data
    with pytest.raises(EntryNotFoundError, match="Entry Not Found"):
        hf_hub_download(NAME, "none", **place)


def test_file_may_have_any_name(hub: HubServer, place: dict[str, Any]) -> None:
    files = {"a b/ü 中%?#.json": b"1", "a b/ü 中%?#.safetensors": b"2"}
    hub.add_repo(NAME, files)
    for name, data in files.items():
        assert Path(hf_hub_download(NAME, name, **place)).read_bytes() == data
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(NAME, "a", revision="中", **place)


def test_file_is_large_by_its_name_or_its_size(hub: HubServer, repository: Repository) -> None:
    sizes = {"a.json": 10_000_000, "b.json": 10_000_001, "c.safetensors": 0}
    commit = repository.commits[repository.commit({name: bytes(size) for name, size in sizes.items()})]
    assert {name: commit.files[name].sha256 is not None for name in sizes} == {
        "a.json": False,
        "b.json": True,
        "c.safetensors": True,
    }
    with urllib.request.urlopen(f"{hub.endpoint}/{NAME}/resolve/main/c.safetensors") as answer:
        assert (answer.status, answer.read()) == (200, b"")


def test_snapshot_holds_every_file(hub: HubServer, repository: Repository, place: dict[str, Any]) -> None:
    folder = Path(snapshot_download(NAME, **place))
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == FILES
    assert folder.name == repository.branches["main"]
    before = len(hub.calls)
    assert snapshot_download(NAME, **place) == str(folder)
    assert len(hub.calls) == before + 1  # which commit is it?


@pytest.mark.usefixtures("repository")
def test_byte_ranges_are_read_in_place(hub: HubServer) -> None:
    files = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    path = f"{NAME}/model.safetensors"
    assert files.info(path)["size"] == len(WEIGHTS)
    assert files.cat_file(path, 1000, 3000) == WEIGHTS[1000:3000]
    assert files.cat_file(f"{NAME}/deep/er/vocab.txt", 1, 2) == FILES["deep/er/vocab.txt"][1:2]
    with files.open(path, block_size=100_000) as stream:
        stream.seek(500_000)
        assert stream.read(300_000) == WEIGHTS[500_000:800_000]
    with files.open(path, cache_type="none") as stream:
        stream.seek(500_000)
        assert stream.read(300_000) == WEIGHTS[500_000:800_000]
    assert hub.calls[-1].range == "bytes=500000-799999"
    assert files.cat_file(path) == WEIGHTS
    ranges = [(call.range, call.status, call.sent_bytes) for call in hub.calls if call.origin == "cdn"]
    assert ranges[0] == (f"bytes=1000-{len(WEIGHTS) - 1}", 206, len(WEIGHTS) - 1000)  # it reads five megabytes ahead
    assert ranges[-1] == (None, 200, len(WEIGHTS))


@pytest.mark.parametrize(
    ("wanted", "start", "stop"), [("bytes=5-", 5, 10), ("bytes=-3", 7, 10), ("bytes=2-5", 2, 6), ("bytes=8-99", 8, 10)]
)
def test_range_is_answered_as_it_is_asked_for(hub: HubServer, wanted: str, start: int, stop: int) -> None:
    data = b"0123456789"
    hub.add_repo(NAME, {"a.bin": data, "a.txt": data})
    for name in ("a.bin", "a.txt"):
        asked = urllib.request.Request(f"{hub.endpoint}/{NAME}/resolve/main/{name}", headers={"Range": wanted})
        with urllib.request.urlopen(asked) as answer:
            assert (answer.status, answer.read()) == (206, data[start:stop])
            assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/10"
            assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.usefixtures("repository")
def test_range_beyond_the_end_is_refused(hub: HubServer) -> None:
    files = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    for name in ("model.safetensors", "config.json"):
        url = files.url(f"{NAME}/{name}")
        answer = get_session().get(url, headers={"Range": f"bytes={len(FILES[name])}-"})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(FILES[name])}")
        with pytest.raises(HfHubHTTPError, match="Requested range"):
            hf_raise_for_status(answer)


def test_gated_repository_shows_all_but_its_files(hub: HubServer, api: HfApi, place: dict[str, Any]) -> None:
    hub.add_repo("org/gated", FILES, gated=True)
    hub.add_token("hf_stranger")
    hub.add_token("hf_friend", access=["org/gated"])
    assert api.model_info("org/gated").gated == "manual"
    assert len(api.list_repo_files("org/gated")) == len(FILES)
    with pytest.raises(GatedRepoError, match="Please log in") as nobody:
        hf_hub_download("org/gated", "config.json", **place)
    with pytest.raises(GatedRepoError, match="not in the authorized list") as stranger:
        hf_hub_download("org/gated", "config.json", **(place | {"token": "hf_stranger"}))
    assert (nobody.value.response.status_code, stranger.value.response.status_code) == (401, 403)
    friend = hf_hub_download("org/gated", "config.json", **(place | {"token": "hf_friend"}))
    assert Path(friend).read_bytes() == b"{}"


def test_private_repository_is_not_there_for_others(hub: HubServer, api: HfApi, place: dict[str, Any]) -> None:
    hub.add_repo("org/private", FILES, private=True)
    hub.add_token("hf_stranger")
    hub.add_token("hf_friend", access=["org/private"])
    for name in ("org/private", "org/none"):
        for token, status in ((False, 401), ("hf_stranger", 404)):
            with pytest.raises(RepositoryNotFoundError) as info:
                api.model_info(name, token=token)
            with pytest.raises(RepositoryNotFoundError) as file:
                hf_hub_download(name, "config.json", **(place | {"token": token}))
            assert (info.value.response.status_code, file.value.response.status_code) == (status, status)
            assert not isinstance(info.value, GatedRepoError)
    assert api.model_info("org/private", token="hf_friend").private


@pytest.mark.usefixtures("repository")
def test_token_that_nobody_gave_out_is_refused_everywhere(hub: HubServer, api: HfApi, place: dict[str, Any]) -> None:
    hub.add_token("hf_friend", name="friend")
    assert api.whoami(token="hf_friend")["name"] == "friend"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami(token="hf_wrong")
    for call in (
        lambda: api.model_info(NAME, token="hf_wrong"),
        lambda: hf_hub_download(NAME, "config.json", **(place | {"token": "hf_wrong"})),
    ):
        with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as caught:
            call()
        assert caught.value.response.status_code == 401
        assert not isinstance(caught.value, RepositoryNotFoundError)


def test_token_never_comes_to_the_cdn(hub: HubServer, place: dict[str, Any]) -> None:
    hub.add_repo(NAME, FILES, private=True)
    hub.add_token("hf_friend", access=[NAME])
    friend = place | {"token": "hf_friend"}
    hf_hub_download(NAME, "model.safetensors", **friend)
    files = HfFileSystem(endpoint=hub.endpoint, token="hf_friend", skip_instance_cache=True)
    files.cat_file(f"{NAME}/model.safetensors", 0, 10)
    with files.open(f"{NAME}/model.safetensors", block_size=0) as stream:
        stream.read()
    assert [call.authorized for call in hub.calls if call.origin == "cdn"] == [False] * 3
    assert all(call.authorized for call in hub.calls if call.origin == "hub")


@pytest.mark.usefixtures("repository")
def test_cdn_refuses_a_token_and_an_address_that_it_did_not_sign(hub: HubServer) -> None:
    url = get_hf_file_metadata(hf_hub_url(NAME, "model.safetensors", endpoint=hub.endpoint), token=False).location
    client = get_session()
    assert client.get(url).status_code == 200
    assert client.get(url, headers={"Authorization": "Bearer hf_x"}).status_code == 400
    assert client.get(url.replace("Expires=1", "Expires=2")).status_code == 403
    assert hub.calls[-2].authorized


def test_sparse_file_of_gigabytes_is_served_from_disk(hub: HubServer, tmp_path: Path) -> None:
    size = 5_000_000_000
    with (tmp_path / "weights").open("wb") as file:
        file.truncate(size)
        file.seek(size - 4)
        file.write(b"last")
    hub.add_repo(NAME, {"model.safetensors": Digested(path=tmp_path / "weights", sha256="0" * 64)})
    files = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    assert files.cat_file(f"{NAME}/model.safetensors", size - 6, size) == b"\0\0last"
    url = get_hf_file_metadata(hf_hub_url(NAME, "model.safetensors", endpoint=hub.endpoint), token=False).location
    read = 0
    buffer = memoryview(bytearray(2**20))
    with urllib.request.urlopen(url) as answer:
        while read < 300_000_000:
            read += answer.readinto(buffer)
    assert hub.calls[-1].sent_bytes < size / 4


@pytest.mark.usefixtures("repository")
def test_connection_gets_no_more_than_its_rate(hub: HubServer, place: dict[str, Any]) -> None:
    hub.bytes_per_second = 2 * len(WEIGHTS)
    began = time.monotonic()
    hf_hub_download(NAME, "model.safetensors", **place)
    assert 0.45 < time.monotonic() - began < 5


def test_server_in_another_process_serves_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model" / ".git").mkdir(parents=True)
    (tmp_path / "model" / ".git" / "config").write_text("")
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_bytes(WEIGHTS)
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-m", "tests.hub", "--repo", f"{NAME}={tmp_path / 'model'}", "--gated", NAME]
    command += ["--token", "hf_x", "--rate", "100000000", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        ask = f"from huggingface_hub import snapshot_download; print(snapshot_download({NAME!r}))"
        home = {"HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_x", "HF_HOME": str(tmp_path / "home")}
        home |= {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "0", "HF_HUB_DISABLE_XET": "0"}  # nothing here speaks of Xet
        done = subprocess.run(
            [sys.executable, "-c", ask], env=os.environ | home, check=True, capture_output=True, text=True
        )
        folder = Path(done.stdout.strip())
        assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        process.stdin.close()
        assert process.wait(timeout=10) == 0
