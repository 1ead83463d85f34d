"""The stand-in answers the Hub's own client as the Hub does."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.conftest import ROOT
from tests.hub import HubServer, Repository
from tests.hub.conftest import FILES, NAME, WEIGHTS, Get

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


def test_revision_is_a_branch_a_tag_or_a_commit(api: HfApi, repository: Repository) -> None:
    first = repository.branches["main"]
    repository.tag("v1")
    repository.branch("other")
    second = repository.commit({"config.json": b"[]"})
    assert api.model_info(NAME).sha == second
    for revision, commit in [("v1", first), ("other", first), (first[:7], first), (second, second)]:
        assert api.model_info(NAME, revision=revision).sha == commit
    for revision in ("none", first[:6], "f" * 40):
        with pytest.raises(RevisionNotFoundError, match="Revision Not Found"):
            api.model_info(NAME, revision=revision)


def test_files_come_with_their_bytes_or_a_range_of_them(hub: HubServer, get: Get) -> None:
    files = FILES | {"a b/ü 中%?#.json": b"1", "a b/ü 中%?#.safetensors": b"2"}
    hub.add_repo(NAME, files)
    for name, data in files.items():
        assert get(name).content == data
        if len(data) > 1:
            part = get(name, Range="bytes=1-999")
            assert (part.status_code, part.content) == (206, data[1:1000])
            assert part.headers["Content-Range"] == f"bytes 1-{min(len(data), 1000) - 1}/{len(data)}"
        with pytest.raises(HfHubHTTPError, match="Requested range"):
            get(name, Range=f"bytes={len(data)}-")
    with pytest.raises(EntryNotFoundError, match="Entry Not Found"):
        get("none")


def test_file_is_large_by_its_name_or_its_size(repository: Repository) -> None:
    sizes = {"a.json": 10_000_000, "b.json": 10_000_001, "c.safetensors": 0}
    commit = repository.commits[repository.commit({name: bytes(size) for name, size in sizes.items()})]
    assert {name: commit.files[name].sha256 is not None for name in sizes} == {
        "a.json": False,
        "b.json": True,
        "c.safetensors": True,
    }


def test_gated_repository_shows_all_but_its_files(hub: HubServer, api: HfApi, get: Get) -> None:
    hub.add_repo("org/gated", FILES, gated=True)
    hub.add_token("hf_stranger")
    hub.add_token("hf_friend", access=["org/gated"])
    told = api.model_info("org/gated")
    assert (told.gated, len(told.siblings or [])) == ("manual", len(FILES))
    with pytest.raises(GatedRepoError, match="Please log in") as nobody:
        get("config.json", "org/gated")
    with pytest.raises(GatedRepoError, match="not in the authorized list") as stranger:
        get("config.json", "org/gated", "hf_stranger")
    assert (nobody.value.response.status_code, stranger.value.response.status_code) == (401, 403)
    assert get("config.json", "org/gated", "hf_friend").content == b"{}"


def test_private_repository_is_not_there_for_others(hub: HubServer, api: HfApi, get: Get) -> None:
    hub.add_repo("org/private", FILES, private=True)
    hub.add_token("hf_stranger")
    hub.add_token("hf_friend", access=["org/private"])
    for name in ("org/private", "org/none"):
        for token, status in (("", 401), ("hf_stranger", 404)):
            with pytest.raises(RepositoryNotFoundError) as info:
                api.model_info(name, token=token or False)
            with pytest.raises(RepositoryNotFoundError) as file:
                get("config.json", name, token)
            assert (info.value.response.status_code, file.value.response.status_code) == (status, status)
    assert api.model_info("org/private", token="hf_friend").private


@pytest.mark.usefixtures("repository")
def test_token_that_nobody_gave_out_is_refused_everywhere(api: HfApi, get: Get) -> None:
    for call in (lambda: api.model_info(NAME, token="hf_wrong"), lambda: get("config.json", token="hf_wrong")):
        with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as caught:
            call()
        assert caught.value.response.status_code == 401
        assert not isinstance(caught.value, RepositoryNotFoundError)


@pytest.mark.usefixtures("repository")
def test_cdn_refuses_a_token_and_an_address_that_it_did_not_sign_or_that_has_expired(hub: HubServer, get: Get) -> None:
    import httpx2

    signed = str(get("model.safetensors").url)
    assert "/cdn/" in signed
    assert not signed.startswith(hub.endpoint)
    assert httpx2.get(signed).content == WEIGHTS
    assert httpx2.get(signed, headers={"Authorization": "Bearer hf_x"}).status_code == 400
    assert hub.calls[-1].authorized
    assert httpx2.get(signed.replace("Expires=1", "Expires=2")).status_code == 403
    hub.cdn.lifetime_seconds = -1
    with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
        get("model.safetensors")


@pytest.mark.usefixtures("repository")
def test_connection_gets_no_more_than_its_rate(hub: HubServer, get: Get) -> None:
    hub.bytes_per_second = 2 * len(WEIGHTS)
    began = time.monotonic()
    assert get("model.safetensors").content == WEIGHTS
    assert 0.45 < time.monotonic() - began < 5


@pytest.mark.usefixtures("repository")
def test_journal_says_what_was_asked_and_what_was_answered(hub: HubServer, get: Get) -> None:
    get("model.safetensors", Range="bytes=0-9")
    redirected, sent = hub.calls
    assert (redirected.origin, redirected.url) == ("hub", f"/{NAME}/resolve/main/model.safetensors")
    assert (redirected.status, redirected.fault, redirected.authorized) == (302, None, False)
    assert (sent.origin, sent.method, sent.range, sent.status, sent.sent_bytes) == ("cdn", "GET", "bytes=0-9", 206, 10)


def test_server_in_another_process_serves_a_folder_to_snapshot_download(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_bytes(WEIGHTS)
    command = [sys.executable, "-m", "tests.hub", "--repo", f"{NAME}={tmp_path / 'model'}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask = f"from huggingface_hub import snapshot_download; print(snapshot_download({NAME!r}))"
        home: dict[str, Any] = {"HF_ENDPOINT": process.stdout.readline().strip(), "HF_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-c", ask], env=os.environ | home, check=True, capture_output=True, text=True
        )
        folder = Path(done.stdout.strip())
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            "config.json": b"{}",
            "model.safetensors": WEIGHTS,
        }
        process.stdin.close()
        assert process.wait(timeout=10) == 0
