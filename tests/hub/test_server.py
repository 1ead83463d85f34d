"""The stand-in answers the Hub's own client as the Hub does."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
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


def test_file_is_large_by_its_name_or_its_size(repository: Repository) -> None:
    sizes = {"a.json": 10_000_000, "b.json": 10_000_001, "c.safetensors": 0}
    commit = repository.commits[repository.commit({name: bytes(size) for name, size in sizes.items()})]
    assert {name: commit.files[name].sha256 is not None for name in sizes} == {
        "a.json": False,
        "b.json": True,
        "c.safetensors": True,
    }


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
