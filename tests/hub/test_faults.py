import io
import logging
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import HfApi, HfFileSystem, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._http import get_session, hf_raise_for_status, http_stream_backoff

from tests.hub import Fault, Faults, HubServer, Repository
from tests.hub.conftest import FILES, NAME, WEIGHTS
from tests.servers.faults import STATUSES, Kind

pytestmark = pytest.mark.usefixtures("repository")

CDN = "^/cdn/"
HUB = "^/(?!cdn/)"
RESETS: list[Kind] = ["reset_before", "reset_halfway", "reset_after", "lost_reply"]
PASSING = [Fault(status=status) for status in STATUSES] + [Fault(kind=kind) for kind in RESETS]
TRIES = 6
"""How often the client tries where it tries again; between the tries it waits 1, 2, 4, 8 and 8 seconds."""


def named(fault: Fault) -> str:
    return str(fault.status) if fault.kind == "status" else fault.kind


def at(origin: str, fault: Fault, times: int = 1) -> Fault:
    return Fault(**{**vars(fault), "url": origin, "times": times})


@pytest.fixture
def read(hub: HubServer) -> Callable[[int, int], bytes]:
    """Reads a range of the large file, as HfFileSystem does it; what it asks for before is asked."""
    files = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    stream = files.open(f"{NAME}/model.safetensors", cache_type="none")
    hub.calls.clear()
    fetch: Callable[[int, int], bytes] = stream._fetch_range
    return fetch


@pytest.mark.parametrize("fault", [*PASSING, Fault(kind="cut")], ids=named)
def test_range_is_asked_for_again_from_the_hub_on(
    hub: HubServer, read: Callable[[int, int], bytes], waits: list[float], fault: Fault
) -> None:
    for origin in (HUB, CDN):
        hub.calls.clear()
        rule = hub.faults.add(at(origin, fault))
        assert read(1000, 5000) == WEIGHTS[1000:5000]
        asked = [call.origin for call in hub.calls]
        if rule.injected:
            assert asked == (["hub", "hub", "cdn"] if origin == HUB else ["hub", "cdn"] * 2)
        else:
            assert (fault.kind, origin, asked) == ("cut", HUB, ["hub", "cdn"])
    addresses = {call.url for call in hub.calls if call.origin == "cdn"}
    assert len(addresses) == len([call for call in hub.calls if call.origin == "cdn"])
    assert set(waits) == {1}


def test_range_is_given_up_after_six_tries(
    hub: HubServer, read: Callable[[int, int], bytes], waits: list[float]
) -> None:
    for fault, error in (
        (Fault(status=503), HfHubHTTPError),
        (Fault(kind="reset_before"), httpx2.ReadError),
        (Fault(kind="cut"), httpx2.RemoteProtocolError),
    ):
        hub.calls.clear()
        hub.faults.clear()
        waits.clear()
        hub.faults.add(at(CDN, fault, times=0))
        with pytest.raises(error):
            read(1000, 5000)
        assert len([call for call in hub.calls if call.origin == "cdn"]) == TRIES
        assert waits == [1, 2, 4, 8, 8]


def test_client_waits_as_long_as_it_is_told(
    hub: HubServer, read: Callable[[int, int], bytes], waits: list[float]
) -> None:
    hub.faults.add(Fault(status=429, url=HUB, seconds=7))
    hub.faults.add(Fault(status=503, url=CDN, seconds=40))
    assert read(0, 10) == WEIGHTS[:10]
    assert waits == [7 + 1, 40 + 1]


def test_question_about_a_model_is_asked_once_but_lists_are_asked_for_again(
    hub: HubServer, api: HfApi, waits: list[float]
) -> None:
    for call in (
        lambda: api.model_info(NAME),
        lambda: api.list_repo_refs(NAME),
        lambda: api.get_paths_info(NAME, ["config.json"]),
    ):
        hub.faults.add(Fault(status=503))
        with pytest.raises(HfHubHTTPError, match="503"):
            call()
        hub.faults.add(Fault(kind="reset_before"))
        with pytest.raises(httpx2.ReadError):
            call()
    assert (len(hub.calls), waits) == (6, [])
    hub.faults.add(Fault(status=503))
    assert len(list(api.list_repo_tree(NAME))) == 4
    assert waits == [1]


def test_download_goes_on_after_a_cut_but_not_after_a_reset_or_a_5xx(
    hub: HubServer, place: dict[str, Any], waits: list[float]
) -> None:
    hub.faults.add(Fault(kind="cut"))
    assert Path(hf_hub_download(NAME, "model.safetensors", **place)).read_bytes() == WEIGHTS
    again = [call for call in hub.calls if call.origin == "cdn"][-1]
    assert (again.range, again.status, waits) == (None, 200, [1])  # what was less than ten megabytes is lost
    for fault, error in (
        (Fault(kind="reset_halfway"), httpx2.ReadError),
        (Fault(kind="reset_before"), httpx2.ReadError),
        (Fault(status=503), HfHubHTTPError),
    ):
        hub.faults.add(at(CDN, fault))
        with pytest.raises(error):
            hf_hub_download(NAME, "model.safetensors", **(place | {"force_download": True}))


def test_download_goes_on_where_ten_megabytes_came_before_the_cut(
    hub: HubServer, place: dict[str, Any], waits: list[float]
) -> None:
    data = bytes(range(251)) * 100_000
    hub.add_repo("org/large", {"a.bin": data})
    hub.faults.add(Fault(kind="cut"))
    assert Path(hf_hub_download("org/large", "a.bin", **place)).read_bytes() == data
    assert [call.range for call in hub.calls if call.origin == "cdn"] == [None, f"bytes={10 * 2**20}-"]
    assert waits == [1]


def test_head_is_asked_again_after_a_status_but_not_after_a_reset(
    hub: HubServer, place: dict[str, Any], waits: list[float]
) -> None:
    hub.faults.add(Fault(status=503, method="HEAD", times=3))
    hf_hub_download(NAME, "config.json", **place)
    assert waits == [1, 2]
    hub.faults.add(Fault(kind="reset_before", method="HEAD"))
    with pytest.raises(httpx2.ReadError):
        hf_hub_download(NAME, "README.md", **place)
    hub.faults.add(Fault(status=503, method="HEAD", times=0))
    with pytest.raises(LocalEntryNotFoundError) as caught:
        hf_hub_download(NAME, "README.md", **place)
    assert isinstance(caught.value.__cause__, HfHubHTTPError)


def test_corrupted_bytes_get_past_every_call_of_the_client(
    hub: HubServer, read: Callable[[int, int], bytes], place: dict[str, Any]
) -> None:
    hub.faults.add(Fault(kind="corrupt", times=0))
    middle = len(WEIGHTS) // 2
    spoiled = WEIGHTS[:middle] + bytes([WEIGHTS[middle] ^ 1]) + WEIGHTS[middle + 1 :]
    assert Path(hf_hub_download(NAME, "model.safetensors", **place)).read_bytes() == spoiled
    assert read(0, 9) == WEIGHTS[:4] + bytes([WEIGHTS[4] ^ 1]) + WEIGHTS[5:9]
    assert (Path(snapshot_download(NAME, **place)) / "config.json").read_bytes() == b"{|"


def test_file_on_disk_is_cut_and_corrupted_like_one_in_memory(
    hub: HubServer, tmp_path: Path, place: dict[str, Any], waits: list[float]
) -> None:
    (tmp_path / "weights").write_bytes(WEIGHTS)
    hub.add_repo("org/disk", {"model.safetensors": tmp_path / "weights"})
    hub.faults.add(Fault(kind="cut"))
    hub.faults.add(Fault(kind="corrupt", nth=2))
    found = Path(hf_hub_download("org/disk", "model.safetensors", **place)).read_bytes()
    assert [place for place, (one, other) in enumerate(zip(found, WEIGHTS, strict=True)) if one != other] == [512_000]
    assert [call.sent_bytes for call in hub.calls if call.origin == "cdn"] == [512_000, 1_024_000]
    assert waits == [1]


def test_stream_that_breaks_must_not_be_read_under_the_retries_of_http_stream_backoff(
    hub: HubServer, waits: list[float]
) -> None:
    url = hf_hub_url(NAME, "model.safetensors", endpoint=hub.endpoint)

    def stream(**how: Any) -> bytes:
        with http_stream_backoff("GET", url, timeout=10, **how) as answer:
            hf_raise_for_status(answer)
            return b"".join(answer.iter_bytes())

    hub.faults.add(Fault(kind="cut"))
    with pytest.raises(RuntimeError, match=r"generator didn't stop after throw"):
        stream()
    assert ([call.origin for call in hub.calls], waits) == (["hub", "cdn"] * 2, [1])  # asked for again, and thrown away
    hub.faults.add(Fault(kind="cut"))
    with pytest.raises(httpx2.RemoteProtocolError, match="received 512000 bytes, expected 1024000"):
        stream(retry_on_exceptions=())
    hub.faults.add(Fault(status=503))
    assert stream(retry_on_exceptions=()) == WEIGHTS


def test_address_that_is_out_of_date_is_refused_and_only_the_hub_gives_a_new_one(
    hub: HubServer, read: Callable[[int, int], bytes]
) -> None:
    url = hf_hub_url(NAME, "model.safetensors", endpoint=hub.endpoint)
    hub.cdn.uses = 1
    signed = get_hf_file_metadata(url, token=False).location
    assert get_session().get(signed).content == WEIGHTS
    again = get_session().get(signed)
    assert (again.status_code, "Request has expired" in again.text) == (403, True)
    with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
        http_get(signed, io.BytesIO())
    assert read(0, 5) + read(5, 10) == WEIGHTS[:10]
    hub.cdn.uses, hub.cdn.lifetime_seconds = 0, 0.05
    signed = get_hf_file_metadata(url, token=False).location
    assert get_session().get(signed).status_code == 200
    time.sleep(0.06)
    assert get_session().get(signed).status_code == 403
    assert get_session().get(get_hf_file_metadata(url, token=False).location).status_code == 200


def test_download_that_is_cut_ends_where_its_address_is_out_of_date(
    hub: HubServer, place: dict[str, Any], waits: list[float]
) -> None:
    hub.cdn.uses = 1
    hub.faults.add(Fault(kind="cut"))
    with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
        hf_hub_download(NAME, "model.safetensors", **place)
    assert waits == [1]


def test_signed_address_stands_in_messages_and_logs_but_no_token_does(
    hub: HubServer, repository: Repository, place: dict[str, Any], waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    repository.private = True
    hub.add_token("hf_friend", access=[NAME])
    hub.faults.add(Fault(kind="cut", url=CDN))
    hub.faults.add(Fault(status=503, url=CDN, nth=2))
    with (
        caplog.at_level(logging.INFO),
        pytest.raises(HfHubHTTPError, match="X-Amz-Signature=") as caught,
    ):
        hf_hub_download(NAME, "model.safetensors", **(place | {"token": "hf_friend"}))
    told = "".join(record.getMessage() for record in caplog.records)
    assert "X-Amz-Signature=" in told
    assert "hf_friend" not in told + str(caught.value) + repr(caught.value)
    assert waits == [1]


def test_error_of_the_client_holds_the_token_and_takes_it_along_when_pickled(hub: HubServer) -> None:
    hub.add_token("hf_friend")
    hub.faults.add(Fault(status=500))
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=hub.endpoint, token="hf_friend").model_info(NAME)
    assert "hf_friend" not in str(caught.value) + repr(caught.value) + repr(caught.value.response.request.headers)
    assert caught.value.response.request.headers["authorization"] == "Bearer hf_friend"
    assert b"hf_friend" in pickle.dumps(caught.value)


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


def test_answer_that_comes_too_late_is_asked_for_again(
    hub: HubServer, read: Callable[[int, int], bytes], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    hub.faults.add(Fault(kind="delay", url=CDN, seconds=5))
    began = time.monotonic()
    assert read(0, 10) == WEIGHTS[:10]
    assert time.monotonic() - began < 5
    assert waits == [1]
    hub.faults.add(Fault(kind="delay", url=CDN, seconds=0.1))
    assert read(0, 10) == WEIGHTS[:10]
    assert waits == [1]


def test_text_that_comes_compressed_comes_whole_whatever_range_is_asked_for(
    hub: HubServer, place: dict[str, Any]
) -> None:
    hub.repositories.compresses = True
    assert Path(hf_hub_download(NAME, "config.json", **place)).read_bytes() == b"{}"
    answer = get_session().get(hf_hub_url(NAME, "config.json", endpoint=hub.endpoint), headers={"Range": "bytes=1-1"})
    assert (answer.status_code, answer.content, answer.headers.get("Content-Length")) == (200, b"{}", None)
    files = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    with files.open(f"{NAME}/config.json", cache_type="none") as stream:
        assert stream._fetch_range(1, 2) == b"{}"  # the client takes no notice


def test_what_a_seed_draws_can_be_drawn_again() -> None:
    def struck(seed: int) -> list[str]:
        faults = Faults(seed)
        faults.storm(0.3)
        found = (faults.strike("GET", "/cdn/", is_download=True) for _ in range(300))
        return ["" if fault is None else named(fault) for fault in found]

    assert struck(1) == struck(1) != struck(2)


def test_all_bytes_come_through_a_storm(hub: HubServer, read: Callable[[int, int], bytes], waits: list[float]) -> None:
    hub.faults.storm(0.2)
    step = 20_000
    found = [read(start, min(start + step, len(WEIGHTS))) for start in range(0, len(WEIGHTS), step)]
    assert b"".join(found) == WEIGHTS
    kinds = {call.fault for call in hub.calls}
    assert {"status", "cut", None} < kinds
    assert len(waits) > 5


def test_journal_says_what_was_asked_and_what_was_answered(hub: HubServer, place: dict[str, Any]) -> None:
    hf_hub_download(NAME, "model.safetensors", **place)
    head, get = hub.calls
    assert (head.origin, head.method, head.url) == ("hub", "HEAD", f"/{NAME}/resolve/main/model.safetensors")
    assert (head.status, head.fault, head.authorized, head.sent_bytes) == (302, None, False, 0)
    assert (get.origin, get.method, get.status, get.sent_bytes) == ("cdn", "GET", 200, len(FILES["model.safetensors"]))
