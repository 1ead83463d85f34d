"""A Hub, and the real client that talks to it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import HubServer, Repository

os.environ |= {
    "HF_ENDPOINT": "http://127.0.0.1:9",  # read once, at import; nobody listens there, and no call goes further
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
}

NAME = "org/name"
WEIGHTS = bytes(range(256)) * 4000
FILES = {
    "README.md": b"# A model\n",
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "deep/er/vocab.txt": "ü\n".encode(),
    "deep/notes.txt": b"",
}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture
def repository(hub: HubServer) -> Repository:
    """The repository `org/name`, of which `model.safetensors` is large, and so lies at the CDN."""
    return hub.add_repo(NAME, FILES)


@pytest.fixture
def api(hub: HubServer) -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub.endpoint, token=False)


@pytest.fixture
def place(hub: HubServer, tmp_path: Path) -> dict[str, Any]:
    """Whence the client downloads, and whereto."""
    return {"endpoint": hub.endpoint, "cache_dir": tmp_path / "cache", "token": False}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which the client would wait between its tries; it waits for none."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited
