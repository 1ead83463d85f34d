"""A Hub, and the real client that talks to it."""

import os
from collections.abc import Callable, Iterator
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


Get = Callable[..., Any]


@pytest.fixture
def get(hub: HubServer) -> Get:
    """Asks for a file by the client's own session and address, as the project does, and lets it explain a refusal."""
    from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

    def get(file: str, repository: str = NAME, token: str = "", **headers: str) -> Any:
        allowed = {"Authorization": f"Bearer {token}"} if token else {}
        url = hf_hub_url(repository, file, endpoint=hub.endpoint)
        answer = get_session().get(url, headers={"Accept-Encoding": "identity", **headers, **allowed})
        hf_raise_for_status(answer)
        return answer

    return get
