"""What goes wrong looks to the Hub's own client as it does with the Hub."""

import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.hub import Fault, HubServer
from tests.hub.conftest import NAME, WEIGHTS, Get
from tests.servers.faults import STATUSES, Kind

pytestmark = pytest.mark.usefixtures("repository")

MIDDLE = len(WEIGHTS) // 2
RESETS: list[Kind] = ["reset_before", "reset_halfway", "reset_after", "lost_reply"]


@pytest.mark.parametrize("url", ["^/(?!cdn/)", "^/cdn/"], ids=["hub", "cdn"])
@pytest.mark.parametrize("status", STATUSES)
def test_status_strikes_once_at_its_origin(hub: HubServer, get: Get, status: int, url: str) -> None:
    hub.faults.add(Fault(status=status, url=url))
    with pytest.raises(HfHubHTTPError) as caught:
        get("model.safetensors")
    assert caught.value.response.status_code == status
    assert get("model.safetensors").content == WEIGHTS


@pytest.mark.parametrize("kind", RESETS)
def test_reset_ends_the_connection(hub: HubServer, get: Get, kind: Kind) -> None:
    hub.faults.add(Fault(kind=kind, url="^/cdn/"))
    with pytest.raises(httpx2.ReadError):
        get("model.safetensors")
    assert hub.calls[-1].sent_bytes == (MIDDLE if kind == "reset_halfway" else 0)
    assert get("model.safetensors").content == WEIGHTS


@pytest.mark.parametrize("on_disk", [False, True])
def test_download_is_cut_or_corrupted_in_its_middle(hub: HubServer, get: Get, tmp_path: Path, on_disk: bool) -> None:
    (tmp_path / "weights").write_bytes(WEIGHTS)
    hub.add_repo("org/any", {"model.safetensors": tmp_path / "weights" if on_disk else WEIGHTS})
    hub.faults.add(Fault(kind="cut"))
    hub.faults.add(Fault(kind="corrupt", nth=2))
    with pytest.raises(httpx2.RemoteProtocolError, match=f"received {MIDDLE} bytes, expected {len(WEIGHTS)}"):
        get("model.safetensors", "org/any")
    found = get("model.safetensors", "org/any").content
    assert [at for at, (one, other) in enumerate(zip(found, WEIGHTS, strict=True)) if one != other] == [MIDDLE]


def test_status_carries_the_code_by_which_the_client_knows_it(hub: HubServer, api: HfApi) -> None:
    hub.faults.add(Fault(status=403, reason="GatedRepo"))
    with pytest.raises(GatedRepoError):
        api.model_info(NAME)
    hub.faults.add(Fault(status=404, reason="RepoNotFound"))
    with pytest.raises(RepositoryNotFoundError):
        api.model_info(NAME)
    hub.faults.add(Fault(status=429, seconds=9))
    with pytest.raises(HfHubHTTPError, match="Retry after 9 seconds"):
        api.model_info(NAME)
    hub.faults.add(Fault(status=503, seconds=40))
    with pytest.raises(HfHubHTTPError) as caught:
        api.model_info(NAME)
    assert caught.value.response.headers["Retry-After"] == "40"


def test_answer_that_is_late_comes_when_it_was_said_to(hub: HubServer, api: HfApi) -> None:
    hub.faults.add(Fault(kind="delay", seconds=0.3))
    began = time.monotonic()
    assert api.model_info(NAME).id == NAME
    assert time.monotonic() - began > 0.3
