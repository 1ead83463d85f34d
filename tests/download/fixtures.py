"""A Hub with a toy model, to which huggingface_hub is pointed, and stores of both kinds."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.download.toy import NAME, toy
from tests.hub import HubServer, Repository

PIECE_BYTES = 4096


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A Hub for this process and those that it starts; there is no token, and pieces are small."""
    with HubServer() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(constants, "_HF_DEFAULT_ENDPOINT", hub.endpoint)  # its folders have no host in their names
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
        monkeypatch.setattr("byheart.components.download.transfer.PIECE_BYTES", PIECE_BYTES)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "0")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """The files of the toy model, 40 KB, of which each safetensors is several pieces."""
    return toy(embed=64)


@pytest.fixture
def repository(hub: HubServer, files: dict[str, bytes]) -> Repository:
    """The toy on the Hub."""
    return hub.add_repo(NAME, files)


@pytest.fixture(params=["local", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is."""
    if request.param == "local":
        return str(tmp_path / "store")
    request.getfixturevalue("server")
    return "gs://shelf/some/prefix"


class Clock:
    """A clock that goes on when somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.pace = 0.0  # real seconds of any sleep
        self._own = threading.local()

    def monotonic(self) -> float:
        return getattr(self._own, "now", 0.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(self.pace)
        self._own.now = self.monotonic() + seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which the Hub is waited for; nobody really waits."""
    clock = Clock()
    monkeypatch.setattr("byheart.components.download.hub.time", clock)
    return clock
